"""A service with a command line, whose routes need permissions."""

from dataclasses import dataclass

from chassis.auth.jwt import AuthSettings, use_access_tokens
from chassis.auth.jwt.cli import token
from chassis.cli import Bootstrap, Migrations, Storage, create_cli
from chassis.database.memory import MemoryDatabase
from chassis.database.retries import Retries
from chassis.http.application import Service
from chassis.http.settings import HttpSettings, IdempotencySettings, ReadinessSettings, ShutdownSettings
from chassis.process import Process
from chassis.service import ServiceIdentity
from chassis.settings import ServiceSettings
from chassis.telemetry.settings import LogSettings

from .issuers import ROLES, create_router

# Any distribution that is installed; its version is shown.
SERVICE = ServiceIdentity("click", "Sample", "1.0.0", "A sample.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of the service."""

    service: ServiceSettings
    log: LogSettings
    http: HttpSettings
    auth: AuthSettings
    readiness: ReadinessSettings
    idempotency: IdempotencySettings
    shutdown: ShutdownSettings


class Root:
    """The composition root."""

    SERVICE = SERVICE

    def create_storage(self, settings: Settings, retries: Retries) -> Storage:
        """None without a database."""
        raise NotImplementedError

    def create_service(self, settings: Settings) -> Service:
        """The application."""
        process = Process(SERVICE, settings)
        process.use_database(MemoryDatabase(), events=[], decisions=[])
        use_access_tokens(process, settings.auth, ROLES)
        return process.create_api([create_router()])

    create_service_in_memory = create_service


def bootstrap() -> Bootstrap:
    """The composition root."""
    return Root()


def migrations(_: Settings) -> Migrations:
    """None without a database."""
    raise NotImplementedError


main = create_cli(SERVICE.name, settings=lambda: Settings, bootstrap=bootstrap, migrations=migrations)
main.add_command(token)
