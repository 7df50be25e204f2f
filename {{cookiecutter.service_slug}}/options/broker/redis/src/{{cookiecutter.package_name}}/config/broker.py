"""Which Redis carries the events, and how to reach it."""

from urllib.parse import unquote, urlsplit

from pydantic import Field, FilePath, SecretStr, field_validator

from .guard import REQUIRED_OUTSIDE_LOCAL
from .section import Section

SCHEMES = ("redis://", "rediss://")


class BrokerSettings(Section, env_prefix="BROKER_"):
    """Where events go. Without a URL they stay within the process, which only ENVIRONMENT=local accepts."""

    url: SecretStr | None = Field(
        None,
        description="redis://user:password@host:6379/0; rediss:// encrypts, and the certificate must fit the host",
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
    )
    password_file: FilePath | None = Field(
        None,
        description="file with the password, instead of one in the URL; read anew for every connection",
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

    @field_validator("url")
    @classmethod
    def is_known(cls, url: SecretStr | None) -> SecretStr | None:
        """Another scheme, or an option in the URL, is a mistake that would show up late and unclear."""
        if url is not None and not url.get_secret_value().startswith(SCHEMES):
            raise ValueError("must look like redis://user:password@host:6379/0, or rediss:// with TLS")
        if url is not None and "?" in url.get_secret_value():
            raise ValueError("takes no options after a `?`; there is a variable for each")
        if url is not None and not _is_readable(url.get_secret_value()):
            raise ValueError("cannot be read; / @ : # [ ] % in a password are written %2F %40 %3A %23 %5B %5D %25")
        return url

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


def _is_readable(url: str) -> bool:
    """False where a part of the password would be taken for a host, port or database, and told in an error."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    database = parts.path.removeprefix("/")
    return (
        bool(parts.hostname)
        and port != 0
        and not parts.fragment
        and parts.netloc.count("@") <= 1
        and (not database or (database.isascii() and database.isdecimal()))
    )
