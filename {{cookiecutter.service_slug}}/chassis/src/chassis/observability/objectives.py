"""The model of slo.yaml."""

import re
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

UNITS_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


def _seconds(text: object) -> object:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", str(text))
    if not found:
        raise ValueError("is a number and a unit, such as 250ms, 10s or 30d")
    return float(found[1]) * UNITS_SECONDS[found[2]]


def _share(text: object) -> object:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", str(text))
    if not found:
        raise ValueError("is a percentage, such as 99.9%")
    return round(float(found[1]) / 100, 9)


Seconds = Annotated[float, BeforeValidator(_seconds)]
# Below 94 % the fastest alert would need more errors than there are requests.
Share = Annotated[float, BeforeValidator(_share), Field(ge=0.94, lt=1)]


class Part(BaseModel):
    """A part of slo.yaml; a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Objective(Part):
    """One objective: `target` is the share of requests, or of the time, that meets it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    promise: str
    target: Share
    alert: str = Field(pattern=r"^[A-Z][A-Za-z]*$")

    @property
    def budget(self) -> float:
        """The error budget: the share that may miss it."""
        return round(1 - self.target, 9)


class Errors(Objective):
    """Requests answered with a server error."""

    measure: Literal["errors"]
    routes: list[str] = Field(min_length=1)


class Duration(Objective):
    """Slow requests; `within` is a bucket of `http_request_duration_seconds`."""

    measure: Literal["duration"]
    routes: list[str] = Field(min_length=1)
    within: Seconds


class Level(Objective):
    """Time in which a gauge is too high, by the highest of all processes."""

    measure: Literal["level"]
    of: str
    below: Seconds


class Promises(Part):
    """All of slo.yaml."""

    service: str
    jobs: list[str] = Field(min_length=1)
    window: Seconds
    runbooks: str
    objectives: list[Annotated[Errors | Duration | Level, Field(discriminator="measure")]]

    @property
    def job_matcher(self) -> str:
        """Selects the processes of the service, in PromQL."""
        return f'job="{self.jobs[0]}"' if len(self.jobs) == 1 else f'job=~"{"|".join(self.jobs)}"'

    def filled(self, expression: str) -> str:
        """An expression with its placeholders filled in."""
        return expression.replace("$jobs", self.job_matcher).replace("$service", self.service)


def read(path: Path) -> Promises:
    """Raises pydantic.ValidationError, which names each problem and its place."""
    return Promises.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
