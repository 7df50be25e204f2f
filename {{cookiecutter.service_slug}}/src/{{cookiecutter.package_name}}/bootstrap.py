{% from "slots.jinja" import slot with context -%}
"""The composition root: every adapter, use case and route of the service on one page."""

from dataclasses import dataclass

{{ slot("bootstrap/imports-first") }}from chassis.database import Database, Retries, Revisions
from chassis.database.memory import MemoryDatabase
from chassis.database.{{ cookiecutter.database }} import DatabaseSettings, {{ cookiecutter.__Database }}Database
from chassis.http.application import Service
from chassis.identity import new_id, utc_now
{{ slot("bootstrap/imports") }}from chassis.process import Process
from chassis.service import ServiceIdentity

{{ slot("bootstrap/own-imports-first") }}from .api.v1 import {{ cookiecutter.__entities }}{{ slot("bootstrap/routers-import") }}
from .config.settings import Settings
from .domain.{{ cookiecutter.__entities }} import events as {{ cookiecutter.__entity }}_events
from .domain.{{ cookiecutter.__entities }}.ports import {{ cookiecutter.__Entity }}Store
from .domain.{{ cookiecutter.__entities }}.use_cases import (
{% set Entity = cookiecutter.__Entity -%}
{% for name in ["Amend" ~ Entity, "Cancel" ~ Entity, "Confirm" ~ Entity, "Create" ~ Entity, Entity ~ "UseCases"] | sort %}    {{ name }},
{% endfor %})
from .infrastructure import {{ slot("bootstrap/own-imports") }}schema
from .infrastructure.{{ cookiecutter.__entities }}.repositories import (
    Memory{{ cookiecutter.__Entities }},
    Sql{{ cookiecutter.__Entities }},
)

{{ slot("bootstrap/exports") }}SERVICE = ServiceIdentity.of_distribution(
    "{{ cookiecutter.service_slug }}",
    {{ cookiecutter.__title_python }},
    template="{{ cookiecutter._version }}",
)
EVENTS = (*{{ cookiecutter.__entity }}_events.EVENTS,)
DECISIONS = (*{{ cookiecutter.__entity }}_events.DECISIONS,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Everything that the service stores, on one database."""

    database: Database
{{ slot("bootstrap/storage-fields") }}    {{ cookiecutter.__entities }}: {{ cookiecutter.__Entity }}Store


def in_memory() -> Storage:
    """For a first look and for tests: the data lives as long as the process."""
    database = MemoryDatabase()
    return Storage(
        database=database,
{{ slot("bootstrap/storage-in-memory") }}        {{ cookiecutter.__entities }}=Memory{{ cookiecutter.__Entities }}(database),
    )


def on_{{ cookiecutter.database }}(settings: DatabaseSettings, retries: Retries | None = None) -> Storage:
    """In the database that the settings name."""
    revisions = Revisions(branch.folder for branch in schema.BRANCHES)
    database = {{ cookiecutter.__Database }}Database(settings, SERVICE.name, retries, revisions)
    return Storage(
        database=database,
{{ slot("bootstrap/storage-in-database") }}        {{ cookiecutter.__entities }}=Sql{{ cookiecutter.__Entities }}(database),
    )


{{ slot("bootstrap/create-storage") }}{{ slot("bootstrap/adapters") }}def create_{{ cookiecutter.__entity }}_use_cases() -> {{ cookiecutter.__Entity }}UseCases:
    """What the service does with {{ cookiecutter.__nouns }}."""
    return {{ cookiecutter.__Entity }}UseCases(
        create=Create{{ cookiecutter.__Entity }}(new_id, utc_now),
        amend=Amend{{ cookiecutter.__Entity }}(utc_now),
        confirm=Confirm{{ cookiecutter.__Entity }}(utc_now),
        cancel=Cancel{{ cookiecutter.__Entity }}(utc_now),
    )


def create_service(
    settings: Settings,
    storage: Storage | None = None,
{{ slot("bootstrap/parameters") }}) -> Service:
    """The application that answers requests.

    Args:
        settings: of the service.
        storage: used instead of the one that the settings name.
{{ slot("bootstrap/parameters-documented") }}    """
    process = Process(SERVICE, settings)
    storage = storage or create_storage(settings, process.retries)
    process.use_database(storage.database, EVENTS, DECISIONS)
{{ slot("bootstrap/service-first") }}{{ slot("bootstrap/service") }}    return process.create_api(
        [
            {{ cookiecutter.__entities }}.create_router(
                process.commands,
                storage.{{ cookiecutter.__entities }},
                create_{{ cookiecutter.__entity }}_use_cases(),
            ),
{{ slot("bootstrap/routers") }}        ]
    )


def create_service_in_memory(settings: Settings) -> Service:
    """Everything within this process, whatever the settings name: for the service's documents, and for tests."""
    return create_service(settings, in_memory(){{ slot("bootstrap/in-memory") }})
{{- slot("bootstrap/more") }}
