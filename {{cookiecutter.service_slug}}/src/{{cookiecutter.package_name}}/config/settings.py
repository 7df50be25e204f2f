{% from "slots.jinja" import slot with context -%}
"""Every setting, one section per concern; `.env.example` and `docs/configuration.md` are made from this."""

from dataclasses import dataclass

{{ slot("settings/imports-first") }}from chassis.database.{{ cookiecutter.database }} import DatabaseSettings
from chassis.http.settings import HttpSettings, IdempotencySettings, ReadinessSettings, ShutdownSettings
{{ slot("settings/imports-messaging") }}from chassis.settings import ServiceSettings
{{ slot("settings/imports-tracing") }}from chassis.telemetry.settings import LogSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The sections, in the order in which they are documented."""

    service: ServiceSettings
    http: HttpSettings
    log: LogSettings
    database: DatabaseSettings
{{ slot("settings/sections") }}    readiness: ReadinessSettings
    idempotency: IdempotencySettings
    shutdown: ShutdownSettings
