"""Settings of the database: the server, how to reach it, and how much of it one process may use."""

from typing import ClassVar, Literal, Self

from pydantic import Field, SecretStr

from ...settings import REQUIRED_OUTSIDE_LOCAL
from ..settings import DatabaseServerSection

SCHEME = "postgresql://"


class DatabaseSettings(DatabaseServerSection, env_prefix="DATABASE_"):
    """Where data is stored. Without a URL it is kept in memory, which only ENVIRONMENT=local accepts."""

    schemes: ClassVar = (SCHEME,)
    example: ClassVar = f"{SCHEME}user:password@host/name"

    url: SecretStr | None = Field(
        None,
        description=f"{SCHEME}user:password@host:5432/name",
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
    )
    direct_url: SecretStr | None = Field(
        None,
        description="the server itself, where DATABASE_URL names a pooler: for migrations and LISTEN",
    )
    pooler: Literal["none", "transaction"] = Field(
        "none",
        description="transaction where DATABASE_URL names a pooler, such as PgBouncer; no state is left in a session",
    )

    def direct(self) -> Self | None:
        """The same settings for a connection that keeps its session; None if only a pooler's address is known."""
        if self.direct_url is not None:
            return self.model_copy(update={"url": self.direct_url, "pooler": "none"})
        return self if self.pooler == "none" else None
