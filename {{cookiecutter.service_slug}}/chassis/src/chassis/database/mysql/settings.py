"""Settings of the MySQL or MariaDB server and of the connections to it."""

from typing import ClassVar

from pydantic import Field, SecretStr

from ...settings import REQUIRED_OUTSIDE_LOCAL
from ..settings import DatabaseServerSection

SCHEME = "mysql://"


class DatabaseSettings(DatabaseServerSection, env_prefix="DATABASE_"):
    """Where data is stored. Without a URL it is kept in memory, which only ENVIRONMENT=local accepts."""

    schemes: ClassVar = (SCHEME,)
    example: ClassVar = f"{SCHEME}user:password@host/name"

    url: SecretStr | None = Field(
        None,
        description=f"{SCHEME}user:password@host:3306/name",
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
    )
