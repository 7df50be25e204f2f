"""Settings of the SQLite file and of the connections to it."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator

from ...settings import REQUIRED_OUTSIDE_LOCAL, Section

PREFIX = "sqlite:///"


class DatabaseSettings(Section, env_prefix="DATABASE_"):
    """Where data is stored: one file, which exactly one replica may use. Only ENVIRONMENT=local has a default."""

    url: SecretStr = Field(
        SecretStr(f"{PREFIX}service.sqlite3"),
        description="sqlite:///relative/file or sqlite:////absolute/file",
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
    )
    pool_size: int = Field(4, ge=1, le=64, description="connections for reading; one more writes")
    busy_timeout_seconds: float = Field(5, gt=0, le=60, description="how long to wait for another writer")

    @field_validator("url")
    @classmethod
    def is_sqlite(cls, url: SecretStr) -> SecretStr:
        """Refuse another scheme: the mistake would show up late and unclear."""
        if not url.get_secret_value().removeprefix(PREFIX) or not url.get_secret_value().startswith(PREFIX):
            raise ValueError("must look like sqlite:///file.sqlite3 or sqlite:////data/file.sqlite3")
        return url

    @property
    def address(self) -> str:
        """The URL."""
        return self.url.get_secret_value()

    def direct(self) -> Self:
        """The same settings: nothing stands between a process and its file."""
        return self

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.address.removeprefix(PREFIX))
