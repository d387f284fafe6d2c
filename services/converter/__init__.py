"""Takes uploads, converts them, and owns ``admin_media_assets`` and ``queue_jobs``.

Publishes ``converter.asset.*`` and the tickets for work; listens to ``identity.user.*`` and
``assignment.asset.state_changed`` for its read models and assignment columns, and to
``assignment.asset.withdrawn`` to delete what nobody will have any more. Runs as two roles:
``converter`` answers requests and works, ``converter-worker`` only works.
"""
