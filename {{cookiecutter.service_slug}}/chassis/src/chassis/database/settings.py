"""Base class of the settings of a database server and of the connections to it."""

import random
import ssl
from typing import Literal, Self

from pydantic import Field, FilePath

from ..settings import ServerSection


class DatabaseServerSection(ServerSection):
    """How to reach a database server, and how much of it one process may use. Subclasses define the URL."""

    tls: Literal["off", "require", "verify"] = Field(
        "off",
        description="off, require (encrypted) or verify (encrypted, and the certificate must fit the host)",
    )
    tls_ca_file: FilePath | None = Field(None, description="certificates to trust; the system's if not set")
    pool_size: int = Field(10, ge=1, le=500, description="connections; times replicas: below the server's limit")
    pool_recycle_seconds: float = Field(300, gt=0, description="an idle connection is closed after this time")
    pool_max_age_seconds: float = Field(1800, gt=0, description="a connection is replaced after this time, used or not")
    connect_timeout_seconds: float = Field(2, gt=0, le=60, description="to open, or to wait for a free connection")
    statement_timeout_seconds: float = Field(5, gt=0, le=300, description="a statement that runs longer is cancelled")
    lock_timeout_seconds: float = Field(2, gt=0, le=300, description="how long a statement waits for others' locks")

    def direct(self) -> Self | None:
        """The same settings for a connection to the server itself; None if only a pooler's address is known."""
        return self

    def connection_age(self) -> float:
        """After how many seconds to replace a connection.

        Up to a fifth less than the maximum, so that those that were opened together do not end together.
        """
        return self.pool_max_age_seconds * random.uniform(0.8, 1)  # noqa: S311 - no secret

    def tls_context(self) -> ssl.SSLContext | None:
        """How connections are encrypted; None if they are not."""
        if self.tls == "off":
            return None
        context = ssl.create_default_context(cafile=self.tls_ca_file)
        if self.tls == "require":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
