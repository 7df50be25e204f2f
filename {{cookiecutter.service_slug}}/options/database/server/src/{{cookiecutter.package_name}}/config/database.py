"""Which database server, how to reach it, and how much of it one process may use."""

import ssl
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, FilePath, SecretStr, field_validator

from .guard import REQUIRED_OUTSIDE_LOCAL
from .section import Section

SCHEME = "{{ cookiecutter.database }}://"


class DatabaseSettings(Section, env_prefix="DATABASE_"):
    """Where data is kept. Without a URL it lives in memory, which only ENVIRONMENT=local accepts."""

    url: SecretStr | None = Field(
        None,
        description=f"{SCHEME}user:password@host:{{ {'postgresql': 5432, 'mysql': 3306}.get(cookiecutter.database) }}/name",
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
    )
    password_file: FilePath | None = Field(
        None,
        description="file with the password, instead of one in the URL; read anew for every connection",
    )
    tls: Literal["off", "require", "verify"] = Field(
        "off",
        description="off, require (encrypted) or verify (encrypted, and the certificate must fit the host)",
    )
    tls_ca_file: FilePath | None = Field(None, description="certificates to trust; the system's if not set")
    pool_size: int = Field(10, ge=1, le=500, description="connections; times replicas: below the server's limit")
    pool_recycle_seconds: float = Field(300, gt=0, description="an idle connection is closed after this time")
    connect_timeout_seconds: float = Field(2, gt=0, le=60, description="to open, or to wait for a free connection")
    statement_timeout_seconds: float = Field(5, gt=0, le=300, description="a statement that runs longer is cancelled")
    lock_timeout_seconds: float = Field(2, gt=0, le=300, description="how long a statement waits for others' locks")

    @field_validator("url")
    @classmethod
    def is_known(cls, url: SecretStr | None) -> SecretStr | None:
        """Another scheme, or an option in the URL, is a mistake that would show up late and unclear."""
        if url is not None and not url.get_secret_value().startswith(SCHEME):
            raise ValueError(f"must look like {SCHEME}user:password@host/name")
        if url is not None and "?" in url.get_secret_value():
            raise ValueError("takes no options after a `?`; there is a variable for each")
        if url is not None and not _is_readable(url.get_secret_value()):
            raise ValueError("cannot be read; / @ : # [ ] % in a password are written %2F %40 %3A %23 %5B %5D %25")
        return url

    @property
    def address(self) -> str:
        """The URL. Raises ValueError if there is none."""
        if self.url is None:
            raise ValueError("DATABASE_URL is not set")
        return self.url.get_secret_value()

    def read_password(self) -> str:
        """The password: what the file holds now, else what the URL holds. Raises OSError."""
        if self.password_file is not None:
            return self.password_file.read_text().strip()
        return unquote(urlsplit(self.address).password or "")

    def tls_context(self) -> ssl.SSLContext | None:
        """How connections are encrypted; None if they are not."""
        if self.tls == "off":
            return None
        context = ssl.create_default_context(cafile=self.tls_ca_file)
        if self.tls == "require":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _is_readable(url: str) -> bool:
    """False where drivers would take a part of the password for a host, port or name, and tell it in their errors."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return port != 0 and not parts.fragment and parts.netloc.count("@") <= 1 and not set("/@") & set(parts.path[1:])
