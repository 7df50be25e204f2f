"""An issuer for `ENVIRONMENT=local`, so that a service can be tried without an OpenID provider.

Anyone can make its tokens: the key follows from the service's name. Settings refuse it anywhere else.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

ALGORITHM = "EdDSA"
KID = "local"
LIFETIME = timedelta(hours=12)


class LocalIssuer:
    """Makes access tokens for one service, and verifies them.

    Args:
        service: its name, which is the audience too.
    """

    def __init__(self, service: str) -> None:
        self.name = f"urn:local-issuer:{service}"
        self.audience = service
        self._private_key = Ed25519PrivateKey.from_private_bytes(sha256(self.name.encode()).digest())
        self._public_key = jwt.PyJWK(OKPAlgorithm.to_jwk(self._private_key.public_key(), as_dict=True), ALGORITHM)

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        """The key for a token. See `Keys`."""
        return self._public_key if (kid, algorithm) == (KID, ALGORITHM) else None

    def create_token(self, *, subject: str, scope: str, now: datetime, lifetime: timedelta = LIFETIME) -> str:
        """An access token (RFC 9068).

        Args:
            subject: who sends requests with it.
            scope: permissions, separated by spaces.
            now: the time.
            lifetime: how long it is accepted.
        """
        claims = {
            "iss": self.name,
            "aud": self.audience,
            "sub": subject,
            "client_id": "local",
            "scope": scope,
            "iat": now,
            "exp": now + lifetime,
            "jti": str(uuid4()),
        }
        return jwt.encode(claims, self._private_key, ALGORITHM, {"kid": KID, "typ": "at+jwt"})
