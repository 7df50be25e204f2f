"""Which Redis carries the events, and how to reach it."""

from typing import ClassVar

from pydantic import Field, FilePath, SecretStr

from .guard import REQUIRED_OUTSIDE_LOCAL
from .server import ServerSection


class BrokerSettings(ServerSection, env_prefix="BROKER_"):
    """Where events go. Without a URL they stay within the process, which only ENVIRONMENT=local accepts."""

    schemes: ClassVar = ("redis://", "rediss://")
    example: ClassVar = "redis://user:password@host:6379/0, or rediss:// with TLS"

    url: SecretStr | None = Field(
        None,
        description="redis://user:password@host:6379/0; rediss:// encrypts, and the certificate must fit the host",
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
    )
    tls_ca_file: FilePath | None = Field(None, description="certificates to trust; the system's if not set")
    connect_timeout_seconds: float = Field(2, gt=0, le=60, description="to open a connection")
    publish_timeout_seconds: float = Field(5, gt=0, lt=8, description="to confirm a batch; a transaction is open then")
    takeover_seconds: float = Field(
        30, gt=0, le=3_600, description="a message whose consumer gave no sign of life for so long goes to another one"
    )
    stream_max_length: int = Field(
        1_000_000, ge=1, description="of a stream that nobody subscribes to; the oldest events go first"
    )

    @classmethod
    def is_name(cls, name: str) -> bool:
        """Databases are numbers."""
        return not name or (name.isascii() and name.isdecimal())
