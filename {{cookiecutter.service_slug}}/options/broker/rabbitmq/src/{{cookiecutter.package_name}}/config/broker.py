"""Which RabbitMQ, and how to reach it."""

import ssl
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import Field, FilePath, SecretStr, ValidationInfo, field_validator

from .guard import REQUIRED_OUTSIDE_LOCAL
from .section import Section

PLAIN, ENCRYPTED = "amqp://", "amqps://"


class BrokerSettings(Section, env_prefix="BROKER_"):
    """How events leave and arrive. Without a URL they stay in this process, which only ENVIRONMENT=local accepts."""

    url: SecretStr | None = Field(
        None,
        description="amqp://user:password@host:5672/vhost; amqps:// (5671) encrypts and verifies the certificate",
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
    )
    password_file: FilePath | None = Field(
        None,
        description="file with the password, instead of one in the URL; read anew for every connection",
    )
    tls_ca_file: FilePath | None = Field(
        None,
        description="certificates to trust with amqps://; the system's if not set",
    )
    exchange: str = Field(
        "events",
        pattern=r"^[A-Za-z0-9_.-]{1,100}$",
        description="topic exchange for events, the same for all services that tell each other something",
    )
    connect_timeout_seconds: float = Field(5, gt=0, le=60, description="to open a connection")
    publish_timeout_seconds: float = Field(
        5,
        gt=0,
        lt=8,
        description="to get events confirmed; a transaction of the database is open meanwhile",
    )

    @field_validator("url")
    @classmethod
    def is_known(cls, url: SecretStr | None) -> SecretStr | None:
        """Another scheme, or an option in the URL, is a mistake that would show up late and unclear."""
        if url is not None and not url.get_secret_value().startswith((PLAIN, ENCRYPTED)):
            raise ValueError("must look like amqp://user:password@host/vhost, or amqps://")
        if url is not None and "?" in url.get_secret_value():
            raise ValueError("takes no options after a `?`; there is a variable for each")
        if url is not None and not _is_readable(url.get_secret_value()):
            raise ValueError("cannot be read; / @ : # [ ] % in a password are written %2F %40 %3A %23 %5B %5D %25")
        return url

    @field_validator("tls_ca_file")
    @classmethod
    def is_used(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        """Certificates without encryption would look safe and not be."""
        url: SecretStr | None = info.data.get("url")
        if file is not None and url is not None and not url.get_secret_value().startswith(ENCRYPTED):
            raise ValueError("is of no use unless BROKER_URL begins with amqps://")
        return file

    @property
    def address(self) -> str:
        """The URL. Raises ValueError if there is none."""
        if self.url is None:
            raise ValueError("BROKER_URL is not set")
        return self.url.get_secret_value()

    def read_password(self) -> str:
        """The password: what the file holds now, else what the URL holds. Raises OSError."""
        if self.password_file is not None:
            return self.password_file.read_text().strip()
        return unquote(urlsplit(self.address).password or "")

    def tls_context(self) -> ssl.SSLContext | None:
        """How connections are encrypted; None if they are not. Raises OSError."""
        if not self.address.startswith(ENCRYPTED):
            return None
        return ssl.create_default_context(cafile=self.tls_ca_file)


def _is_readable(url: str) -> bool:
    """False where a part of the password would be taken for a host, port or virtual host, and told in errors."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        port != 0
        and bool(parts.hostname)
        and not parts.fragment
        and parts.netloc.count("@") <= 1
        and not set("/@") & set(parts.path[1:])
    )
