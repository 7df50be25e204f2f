"""Which NATS server, how to reach it, and how long it keeps events."""

import ssl
from urllib.parse import unquote, urlsplit

from pydantic import Field, FilePath, SecretStr, field_validator

from .guard import REQUIRED_OUTSIDE_LOCAL
from .section import Section

SCHEMES = ("nats://", "tls://")
PORT = 4222


class BrokerSettings(Section, env_prefix="BROKER_"):
    """Where events go. Without a URL they stay within this process, which only ENVIRONMENT=local accepts."""

    url: SecretStr | None = Field(
        None,
        description="nats://user:password@host:4222, or tls:// to refuse a connection that is not encrypted",
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
    )
    password_file: FilePath | None = Field(
        None,
        description="file with the password, instead of one in the URL; read anew for every connection",
    )
    tls_ca_file: FilePath | None = Field(None, description="certificates to trust; the system's if not set")
    connect_timeout_seconds: float = Field(2, gt=0, le=60, description="how long making a connection may take")
    publish_timeout_seconds: float = Field(
        5, gt=0, lt=8, description="how long to wait for confirmations, while a database transaction is open"
    )
    replicas: int = Field(1, ge=1, le=5, description="servers that keep each stream; 3 where there are three")
    retention_hours: float = Field(
        168, ge=1, le=87_600, description="how long events are kept, whether everybody has taken them or not"
    )

    @field_validator("url")
    @classmethod
    def is_known(cls, url: SecretStr | None) -> SecretStr | None:
        """Another scheme, or an option in the URL, is a mistake that would show up late and unclear."""
        if url is None:
            return None
        text = url.get_secret_value()
        if not text.startswith(SCHEMES):
            raise ValueError("must look like nats://user:password@host:4222 or tls://user:password@host:4222")
        if "?" in text:
            raise ValueError("takes no options after a `?`; there is a variable for each")
        if not _is_readable(text):
            raise ValueError("cannot be read; / @ : # [ ] % in a password are written %2F %40 %3A %23 %5B %5D %25")
        return url

    @property
    def address(self) -> str:
        """The server, without user and password. Raises ValueError if there is none."""
        parts = urlsplit(self._text)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}:{parts.port or PORT}"

    @property
    def user(self) -> str | None:
        """Who logs in; None if nobody has to."""
        user = urlsplit(self._text).username
        return None if user is None else unquote(user)

    @property
    def is_encrypted(self) -> bool:
        """Whether a connection that is not encrypted is refused."""
        return self._text.startswith("tls://")

    def read_password(self) -> str:
        """The password: what the file holds now, else what the URL holds. Raises OSError."""
        if self.password_file is not None:
            return self.password_file.read_text().strip()
        return unquote(urlsplit(self._text).password or "")

    def tls_context(self) -> ssl.SSLContext:
        """How a connection is encrypted, if the server asks for it or the URL does."""
        return ssl.create_default_context(cafile=self.tls_ca_file)

    @property
    def _text(self) -> str:
        if self.url is None:
            raise ValueError("BROKER_URL is not set")
        return self.url.get_secret_value()


def _is_readable(url: str) -> bool:
    """False where a part of the password would be taken for a host, a port or a path, and shown in errors."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    has_path = parts.path not in ("", "/") or bool(parts.fragment)
    return bool(parts.hostname) and port != 0 and not has_path and parts.netloc.count("@") <= 1
