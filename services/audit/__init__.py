"""Keeps the trail: an entry for everything done to assets and people, sealed against tampering.

Owns ``assignment_history``, ``history_seals`` and the ``checkpoints`` over them, all append-only;
the archives into which old entries go, the legal holds that keep them, and what was acknowledged
of restored backups; and its copies of what it needs to name people and assets. Keeps its
checkpoints and archives in the blob store. What it does to the trail itself it writes there at
once; it publishes only what administrators maintain of its queue. Listens to every event it
records, by name (``AUDIT_TRAIL``).
"""
