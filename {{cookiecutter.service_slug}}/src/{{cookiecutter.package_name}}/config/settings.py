"""All settings, one class for each concern; `.env.example` is made from them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_type_hints

from pydantic import Field, ValidationError, field_validator
{%  if cookiecutter.broker != "none" %}
from .broker import BrokerSettings
{%- endif %}
from .database import DatabaseSettings
from .environment import Environment
from .errors import InvalidSettings
from .guard import refusals
{%- if cookiecutter.broker != "none" %}
from .messaging import ConsumerSettings, OutboxSettings, WorkerSettings
{%- endif %}
from .section import Section
{%- if cookiecutter.tracing != "none" %}
from .tracing import TracingSettings
{%- endif %}


class ServiceSettings(Section):
    """Where it runs and what was built."""

    environment: Environment = Field(Environment.LOCAL, description="local, dev, staging or production")
    build_commit: str = Field("unknown", description="commit the image was built from; set by the image build")
    build_time: str = Field("unknown", description="when the image was built (RFC 3339); set by the image build")


class HttpSettings(Section, env_prefix="HTTP_"):
    """What it listens on and what one request may take."""

    host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0 inside a container")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 takes any free one")
    max_body_bytes: int = Field(65_536, ge=1_024, description="largest request body in bytes")
    timeout_seconds: float = Field(10, gt=0, le=300, description="a request that takes longer is answered 503")


class LogSettings(Section, env_prefix="LOG_"):
    """What it tells, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="debug, info, warning or error")
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="json, console (colours, for people) or auto: console on a terminal, else json"
    )
    redacted_keys: str = Field("", description="names of further fields that are not told, separated by commas")

    @field_validator("redacted_keys")
    @classmethod
    def are_names(cls, keys: str) -> str:
        """A name holds a letter or a digit."""
        if keys and not all(re.search(r"[^\W_]", key) for key in keys.split(",")):
            raise ValueError("names separated by commas, such as customer_name,note")
        return keys

    @property
    def redacted(self) -> list[str]:
        """The same, one by one."""
        return [key.strip() for key in self.redacted_keys.split(",")] if self.redacted_keys else []


class ReadinessSettings(Section, env_prefix="READINESS_"):
    """How long a probe waits."""

    timeout_seconds: float = Field(2, gt=0, le=30, description="time limit of each dependency's check")


class IdempotencySettings(Section, env_prefix="IDEMPOTENCY_"):
    """How long a repeated request is recognised."""

    retention_hours: float = Field(24, gt=0, le=8_760, description="how long answers are kept for their key")


class ShutdownSettings(Section, env_prefix="SHUTDOWN_"):
    """How it ends. Kubernetes' terminationGracePeriodSeconds must exceed the sum of both."""

    drain_seconds: float = Field(3, ge=0, le=120, description="after SIGTERM: not ready, but still answering")
    grace_seconds: int = Field(25, ge=1, le=600, description="then: how long requests in flight may take")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set."""

    service: ServiceSettings
    http: HttpSettings
    log: LogSettings
    database: DatabaseSettings
{%- if cookiecutter.broker != "none" %}
    broker: BrokerSettings
    outbox: OutboxSettings
    consumer: ConsumerSettings
    worker: WorkerSettings
{%- endif %}
{%- if cookiecutter.tracing != "none" %}
    tracing: TracingSettings
{%- endif %}
    readiness: ReadinessSettings
    idempotency: IdempotencySettings
    shutdown: ShutdownSettings


SECTIONS: dict[str, type[Section]] = get_type_hints(Settings)


def load_settings(used: Iterable[str] = SECTIONS) -> Settings:
    """Read and judge the environment.

    Args:
        used: what will be worked with. The rest may be left out anywhere: a migration needs the database alone.

    Raises:
        InvalidSettings: one line for every variable that is wrong, not only for the first.
    """
    values: dict[str, Section] = {}
    problems: list[str] = []
    for name, section in SECTIONS.items():
        try:
            values[name] = section()
        except ValidationError as error:
            problems += [_problem(section, each["loc"], each["msg"]) for each in error.errors()]
    if problems:
        raise InvalidSettings(problems)
    settings = Settings(**values)  # type: ignore[arg-type]
    if problems := refusals(settings.service.environment, [values[name] for name in used]):
        raise InvalidSettings(problems)
    return settings


def _problem(section: type[Section], location: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"{section.variable(str(location[0]))}: {message[:1].lower()}{message[1:]}"
