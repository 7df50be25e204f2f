"""Settings of access tokens."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from pydantic import Field, FilePath, field_validator, model_validator

from ...settings import REQUIRED_OUTSIDE_LOCAL, Environment, Section, comma_separated

# Asymmetric only: with a shared secret, every verifier could make tokens (RFC 8725, section 3.1 and 3.5).
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})


class AuthSettings(Section, env_prefix="AUTH_"):
    """The issuer of accepted access tokens. With `ENVIRONMENT=local` and without it, the command `token` makes them."""

    issuer: str | None = Field(
        None,
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
        description="the OpenID provider, exactly as its tokens name it in `iss`: https://login.example.com/realms/shop",
    )
    audience: str | None = Field(
        None,
        min_length=1,
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
        description="this service, as tokens for it name it in `aud`",
    )
    jwks_url: str | None = Field(
        None,
        description="where the issuer publishes its keys; found by OpenID Connect Discovery if not set",
    )
    ca_file: FilePath | None = Field(None, description="certificates to trust for the issuer; the system's if not set")
    algorithms: str = Field("RS256,PS256,ES256,EdDSA", description="accepted signatures, with commas")
    leeway_seconds: float = Field(10, ge=0, le=300, description="how much clocks may differ")
    roles_claim: str = Field(
        "roles",
        min_length=1,
        description="claim with the caller's roles; a dot leads into a claim: realm_access.roles",
    )
    keys_refresh_seconds: float = Field(300, ge=1, le=86_400, description="how often the issuer's keys are fetched")
    keys_timeout_seconds: float = Field(3, gt=0, le=30, description="time limit of a request to the issuer")

    @field_validator("issuer", "jwks_url")
    @classmethod
    def is_address(cls, value: str | None) -> str | None:
        """Refuse what no request can be sent to."""
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment or parts.password:
            raise ValueError("must look like https://login.example.com/path")
        return value

    @field_validator("algorithms")
    @classmethod
    def are_asymmetric(cls, value: str) -> str:
        """Refuse `none`, shared secrets, and what is misspelled."""
        names = list(comma_separated(value))
        if not names or not ALGORITHMS.issuperset(names):
            raise ValueError(f"must be some of {', '.join(sorted(ALGORITHMS))}")
        return value

    @model_validator(mode="after")
    def is_complete(self) -> "AuthSettings":
        """Refuse half of the settings, with which no token would ever be accepted."""
        if self.issuer is None and (self.audience is not None or self.jwks_url is not None):
            raise ValueError("set AUTH_ISSUER too, or neither AUTH_AUDIENCE nor AUTH_JWKS_URL")
        if self.issuer is not None and self.audience is None:
            raise ValueError("set AUTH_AUDIENCE too: a token for another service is none for this one")
        return self

    @property
    def accepted_algorithms(self) -> frozenset[str]:
        """The names of the accepted signatures."""
        return frozenset(comma_separated(self.algorithms))

    def problems_in(self, environment: Environment) -> Sequence[str]:
        """In production, addresses whose answers anyone on the way could replace."""
        if environment is not Environment.PRODUCTION:
            return []
        return [
            f"{self.variable(name)}: must be https in production"
            for name in ("issuer", "jwks_url")
            if (getattr(self, name) or "https:").startswith("http:")
        ]
