"""Who has which asset, since when, and how to take it back.

Owns ``asset_assignments`` and the operations that make them. Publishes ``assignment.*``: each
assignment and its end, each operation, and the state of every asset they touch. Listens to
``identity.user.*`` and ``converter.asset.*`` to know people and assets without asking for them.
"""
