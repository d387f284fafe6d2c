"""Keeps the trail: an entry for everything done to assets and people, sealed against tampering.

Owns ``assignment_history``, ``history_seals`` and the ``checkpoints`` over them, all append-only;
the archives into which old entries go, the legal holds that keep them, and what was acknowledged
of restored backups; and its copies of what it needs to name people and assets. Keeps its
checkpoints and archives in the blob store. Publishes nothing: what it does itself it writes into
the trail at once. Listens to every event it records, by name (``AUDIT_TRAIL``).
"""
