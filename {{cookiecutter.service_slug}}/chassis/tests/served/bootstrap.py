"""The composition root: a module, as services have it."""

from chassis.cli import Storage
from chassis.database.retries import Retries
from chassis.http.application import Service
from chassis.service import ServiceIdentity
from tests.http import parcels
from tests.served import NAME, Settings

SERVICE = ServiceIdentity(NAME, "Sample", "1.0.0", "A sample.")


def create_storage(settings: Settings, retries: Retries) -> Storage:
    """None without a database."""
    raise NotImplementedError


def create_service(settings: Settings) -> Service:
    """Parcels in memory."""
    del settings
    return parcels.create_service()


def create_service_in_memory(settings: Settings) -> Service:
    """The same."""
    return create_service(settings)
