"""A small service with a command line of its own, without a database."""

from dataclasses import dataclass

from pydantic import Field

from chassis.http.settings import HttpSettings, ShutdownSettings
from chassis.settings import REQUIRED_OUTSIDE_LOCAL, Section, ServiceSettings
from chassis.telemetry.settings import LogSettings

# Any distribution that is installed; its version is shown.
NAME = "click"


class DatabaseSettings(Section, env_prefix="DATABASE_"):
    """Where data is stored."""

    url: str | None = Field(None, json_schema_extra=REQUIRED_OUTSIDE_LOCAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of the service."""

    service: ServiceSettings
    log: LogSettings
    http: HttpSettings
    shutdown: ShutdownSettings
    database: DatabaseSettings
