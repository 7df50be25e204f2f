"""Settings of the NATS server that carries the events."""

import ssl
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from pydantic import Field, FilePath, SecretStr

from ....settings import REQUIRED_OUTSIDE_LOCAL, ServerSection

PORT = 4222


class BrokerSettings(ServerSection, env_prefix="BROKER_"):
    """The NATS server. Without a URL, events stay within the process, which only ENVIRONMENT=local accepts."""

    schemes: ClassVar = ("nats://", "tls://")
    example: ClassVar = "nats://user:password@host:4222 or tls://user:password@host:4222"

    url: SecretStr | None = Field(
        None,
        description="nats://user:password@host:4222, or tls:// to refuse a connection that is not encrypted",
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
    )
    tls_ca_file: FilePath | None = Field(None, description="certificates to trust; the system's if not set")
    connect_timeout_seconds: float = Field(2, gt=0, le=60, description="to open a connection")
    publish_timeout_seconds: float = Field(
        5, gt=0, lt=8, description="to confirm a batch; a transaction of the database is open then"
    )
    replicas: int = Field(1, ge=1, le=5, description="servers that store each stream; 3 where there are three")
    retention_hours: float = Field(
        168, ge=1, le=87_600, description="how long events are kept, whether every subscription has them or not"
    )

    @classmethod
    def is_name(cls, name: str) -> bool:
        """Whether the part after the slash is empty: there is nothing to name."""
        return not name

    @property
    def server(self) -> str:
        """The address, without user and password."""
        parts = urlsplit(self.address)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}:{parts.port or PORT}"

    @property
    def user(self) -> str | None:
        """The user; None where the server asks for no credentials."""
        user = urlsplit(self.address).username
        return None if user is None else unquote(user)

    @property
    def is_encrypted(self) -> bool:
        """Whether a connection without TLS is refused."""
        return self.address.startswith("tls://")

    def tls_context(self) -> ssl.SSLContext:
        """The TLS settings of a connection, if the server asks for TLS or the URL does. Raises OSError."""
        return ssl.create_default_context(cafile=self.tls_ca_file)
