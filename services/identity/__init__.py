"""Who people are: tenants, users and their roles, and what they and their programs sign in with.

Owns the schema ``identity``. Publishes ``identity.user.*`` and ``identity.api_key.*``, and
broadcasts ``identity.credential.revoked``. Listens to nothing.
"""
