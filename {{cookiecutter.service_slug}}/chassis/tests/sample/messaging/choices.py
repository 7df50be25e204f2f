"""Which database and which broker the sample runs on: two environment variables name the packages of their adapters."""

import os
from importlib import import_module
from typing import Any, Protocol, cast

from sqlalchemy import Engine, Table

from chassis.database import Database, Retries
from chassis.database.migrations import Migrations
from chassis.messaging.port import Broker
from chassis.messaging.storage import MessageStorage
from tests.sample.api import LabelStore, ParcelStore
from tests.sample.messaging.journal import JournalStatements

STORAGE, BROKER = "SAMPLE_STORAGE", "SAMPLE_BROKER"


class Storage(Protocol):
    """Everything that the sample stores, on one database."""

    @property
    def database(self) -> Database: ...

    @property
    def messages(self) -> MessageStorage: ...

    @property
    def parcels(self) -> ParcelStore: ...

    @property
    def labels(self) -> LabelStore: ...


class StorageAdapters(Protocol):
    """The module `adapters` in the folder of a database."""

    DatabaseSettings: type[Any]
    JOURNAL: JournalStatements
    OUTBOX: Table
    RECORDS: list[Table]

    def create_storage(self, settings: Any, retries: Retries) -> Storage:
        """The adapters, not opened."""
        ...

    def create_migrations(self, settings: Any) -> Migrations:
        """The schema."""
        ...

    def create_engine(self, settings: Any) -> Engine:
        """To look into the tables beside the adapters."""
        ...


class BrokerAdapters(Protocol):
    """The module `adapters` in the folder of a broker."""

    BrokerSettings: type[Any]
    PROTOCOL: str

    def create_broker(self, settings: Any, service_name: str) -> Broker:
        """The adapter, not opened."""
        ...


def storage_adapters() -> StorageAdapters:
    """Those of the chosen database."""
    return cast(StorageAdapters, import_module(f"{os.environ[STORAGE]}.adapters"))


def broker_adapters() -> BrokerAdapters:
    """Those of the chosen broker."""
    return cast(BrokerAdapters, import_module(f"{os.environ[BROKER]}.adapters"))
