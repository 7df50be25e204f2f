"""Which database, and how much of it one process may use."""

from pydantic import Field, SecretStr, field_validator

from .guard import REQUIRED_OUTSIDE_LOCAL
from .section import Section


class DatabaseSettings(Section, env_prefix="DATABASE_"):
    """Where data is kept. Without a URL it lives in memory, which only ENVIRONMENT=local accepts."""

    url: SecretStr | None = Field(
        None,
        description="postgresql://user:password@host:5432/name",
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
    )
    pool_size: int = Field(10, ge=1, le=500, description="connections; times replicas: below the server's limit")
    connect_timeout_seconds: float = Field(5, gt=0, le=60, description="to open, or to wait for a free connection")
    statement_timeout_seconds: float = Field(5, gt=0, le=300, description="a statement that runs longer is cancelled")

    @field_validator("url")
    @classmethod
    def is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        """Another scheme is a mistake that would show up late and unclear."""
        if url is not None and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must look like postgresql://user:password@host:5432/name")
        return url
