"""Settings of the RabbitMQ server that carries the events."""

import ssl
from pathlib import Path
from typing import ClassVar

from pydantic import Field, FilePath, SecretStr, ValidationInfo, field_validator

from ....settings import REQUIRED_OUTSIDE_LOCAL, ServerSection

PLAIN, ENCRYPTED = "amqp://", "amqps://"


class BrokerSettings(ServerSection, env_prefix="BROKER_"):
    """The RabbitMQ server. Without a URL, events stay within the process, which only ENVIRONMENT=local accepts."""

    schemes: ClassVar = (PLAIN, ENCRYPTED)
    example: ClassVar = "amqp://user:password@host/vhost, or amqps://"

    url: SecretStr | None = Field(
        None,
        description="amqp://user:password@host:5672/vhost; amqps:// (5671) encrypts and verifies the certificate",
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
    )
    tls_ca_file: FilePath | None = Field(
        None,
        description="certificates to trust with amqps://; the system's if not set",
    )
    exchange: str = Field(
        "events",
        pattern=r"^[A-Za-z0-9_.-]{1,100}$",
        description="topic exchange for events, the same for all services that exchange them",
    )
    connect_timeout_seconds: float = Field(5, gt=0, le=60, description="to open a connection")
    publish_timeout_seconds: float = Field(
        5, gt=0, lt=8, description="to confirm a batch; a transaction of the database is open then"
    )

    @field_validator("tls_ca_file")
    @classmethod
    def is_used(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        """Certificates without encryption would look safe and not be."""
        url: SecretStr | None = info.data.get("url")
        if file is not None and url is not None and not url.get_secret_value().startswith(ENCRYPTED):
            raise ValueError("has no effect unless BROKER_URL begins with amqps://")
        return file

    def tls_context(self) -> ssl.SSLContext | None:
        """The TLS settings of connections; None without encryption. Raises OSError."""
        if not self.address.startswith(ENCRYPTED):
            return None
        return ssl.create_default_context(cafile=self.tls_ca_file)
