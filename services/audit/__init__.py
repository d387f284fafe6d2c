"""Keeps the trail: an entry for everything done to assets and people, sealed against tampering.

Owns ``assignment_history``, ``history_seals`` and the ``checkpoints`` over them, all append-only,
and its copies of what it needs to name people and assets. Keeps its checkpoints in the blob store
too. Publishes only what administrators maintain of it. Listens to every event it records, by name
(``AUDIT_TRAIL``).
"""
