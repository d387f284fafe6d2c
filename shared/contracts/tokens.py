"""What an access token says of itself: ``identity`` writes it, and the gateway insists on it.

Source: RFC 9068 (the profile), RFC 9864 (the algorithm's name).
"""

ISSUER = "marquee/identity"
AUDIENCE = "marquee"
ALGORITHM = "Ed25519"
TYPE = "at+jwt"

API_KEY_PREFIX = "mq_"
"""What every API key begins with; no JWT does."""

LIFETIME = 28_800
"""How long a session lasts, and with it its token, in seconds."""
