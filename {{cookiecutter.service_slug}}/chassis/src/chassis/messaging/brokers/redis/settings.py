"""Settings of the Redis server that carries the events."""

from typing import ClassVar

from pydantic import Field, FilePath, SecretStr

from ....settings import REQUIRED_OUTSIDE_LOCAL, ServerSection


class BrokerSettings(ServerSection, env_prefix="BROKER_"):
    """The Redis server. Without a URL, events stay within the process, which only ENVIRONMENT=local accepts."""

    schemes: ClassVar = ("redis://", "rediss://")
    example: ClassVar = "redis://user:password@host:6379/0, or rediss:// with TLS"

    url: SecretStr | None = Field(
        None,
        description="redis://user:password@host:6379/0; rediss:// encrypts, and the certificate must match the host",
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
    )
    tls_ca_file: FilePath | None = Field(None, description="certificates to trust; the system's if not set")
    connect_timeout_seconds: float = Field(2, gt=0, le=60, description="to open a connection")
    publish_timeout_seconds: float = Field(5, gt=0, lt=8, description="to confirm a batch; a transaction is open then")
    takeover_seconds: float = Field(
        30, gt=0, le=3_600, description="silence after which a consumer counts as dead and others get its messages"
    )
    stream_max_length: int = Field(
        1_000_000, ge=1, description="of a stream without subscribers; the oldest events are dropped first"
    )

    @classmethod
    def is_name(cls, name: str) -> bool:
        """Whether the database is a number, or absent."""
        return not name or (name.isascii() and name.isdecimal())
