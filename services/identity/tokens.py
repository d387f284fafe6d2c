"""Access tokens: JWTs signed with Ed25519 (RFC 9068 profile, RFC 9864 algorithm name)."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from shared.contracts import tokens
from shared.contracts.identity import Role


class TokenSigner:
    """Issues access tokens, and publishes the key that verifies them."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._key = OKPKey.import_key(pem, {"alg": tokens.ALGORITHM, "use": "sig"})
        self._key.ensure_kid()

    def issue(
        self, *, user_id: UUID, tenant: str, role: Role, session: UUID, token_id: UUID
    ) -> str:
        """A token that says who, of which tenant, in which role, by which session, until when."""
        now = int(time.time())
        header = {"alg": tokens.ALGORITHM, "typ": tokens.TYPE, "kid": self._key.kid}
        claims = {
            "iss": tokens.ISSUER,
            "aud": tokens.AUDIENCE,
            "sub": str(user_id),
            "sid": str(session),
            "jti": str(token_id),
            "iat": now,
            "nbf": now,
            "exp": now + tokens.LIFETIME,
            "tenant": tenant,
            "role": role,
        }
        return jwt.encode(header, claims, self._key, algorithms=[tokens.ALGORITHM])

    def jwks(self) -> dict[str, Any]:
        """The public keys as a JSON Web Key Set (RFC 7517)."""
        return dict(KeySet([self._key]).as_dict(private=False))
