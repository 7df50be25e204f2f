"""Settings of the MySQL or MariaDB server and of the connections to it."""

import ssl
from typing import ClassVar, Literal

from pydantic import Field, FilePath, SecretStr

from ...settings import REQUIRED_OUTSIDE_LOCAL, ServerSection

SCHEME = "mysql://"


class DatabaseSettings(ServerSection, env_prefix="DATABASE_"):
    """Where data is stored. Without a URL it is kept in memory, which only ENVIRONMENT=local accepts."""

    schemes: ClassVar = (SCHEME,)
    example: ClassVar = f"{SCHEME}user:password@host/name"

    url: SecretStr | None = Field(
        None,
        description=f"{SCHEME}user:password@host:3306/name",
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
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

    def tls_context(self) -> ssl.SSLContext | None:
        """How connections are encrypted; None if they are not."""
        if self.tls == "off":
            return None
        context = ssl.create_default_context(cafile=self.tls_ca_file)
        if self.tls == "require":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
