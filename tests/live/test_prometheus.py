"""A real Prometheus takes the rules of a service that runs, and has an answer for every panel of its dashboard."""

import json
import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.baked import Bake
from tests.live import databases
from tests.live.prometheus import Prometheus, eventually, scraping
from tests.process import Service
from tests.project import Project
from tests.walk import Walk
from tools import options

# A database and a broker each: all that a service can have, and as little as it can have. Without an address,
# the broker is the one within the process.
SERVICES = [("postgresql", "rabbitmq"), ("sqlite", "none")]
# Where nothing has gone wrong there is nothing to show.
EMPTY_WITHOUT_FAULTS = {"Server errors (5xx)", "Alerts"}
ONLY_WITH_A_REAL_BROKER = {"Kept by the broker"}
DASHBOARD, RULES = Path("observability", "dashboard.json"), Path("observability", "rules.yaml")


def _parameter(database: str, broker: str) -> object:
    python = f"Python {options.choices()['python_version'][0]}"
    needed = [python, "Prometheus", databases.EVERY[database].server]
    marks = [pytest.mark.needs(name) for name in needed if name]
    name = f"{database}-{broker}"
    return pytest.param((database, broker), id=name, marks=[*marks, pytest.mark.xdist_group(f"prometheus-{name}")])


@pytest.fixture(scope="module", params=[_parameter(*choices) for choices in SERVICES])
def watched(
    request: pytest.FixtureRequest, bake: Bake, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Project, Service, Prometheus]]:
    """A service with its database, and a Prometheus that scrapes it."""
    database, broker = request.param
    folder = tmp_path_factory.mktemp(f"prometheus-{database}")
    project = Project(bake(database=database, broker=broker), folder)
    with ExitStack() as stack:
        url = stack.enter_context(databases.EVERY[database].fresh(folder))
        service = stack.enter_context(project.serving(ENVIRONMENT="local", DATABASE_URL=url))
        yield project, service, stack.enter_context(scraping(project.path / RULES, project.slug, service))


def test_every_panel_shows_something(watched: tuple[Project, Service, Prometheus]) -> None:
    project, service, prometheus = watched
    panels = dict(_panels(project))
    empty: set[str] = set(panels)

    def all_show_something() -> bool:
        _traffic(service)
        nonlocal empty
        empty = {title for title in empty if not all(_has_figures(prometheus.query(each)) for each in panels[title])}
        return empty <= EMPTY_WITHOUT_FAULTS | ONLY_WITH_A_REAL_BROKER

    eventually(all_show_something, lambda: empty)
    assert set(panels) >= EMPTY_WITHOUT_FAULTS


def test_every_rule_is_evaluated(watched: tuple[Project, Service, Prometheus]) -> None:
    project, service, prometheus = watched
    groups = yaml.safe_load((project.path / RULES).read_text())["groups"]
    recorded = {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}

    def all_are_recorded() -> bool:
        _traffic(service)  # a rate shows only what comes between two scrapes
        return all(_has_figures(prometheus.query(name)) for name in recorded)

    eventually(all_are_recorded, lambda: [name for name in recorded if not _has_figures(prometheus.query(name))])
    rules = prometheus.rules()
    assert len(rules) == sum(len(group["rules"]) for group in groups)
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []
    assert [rule["name"] for rule in rules if rule["type"] == "alerting" and rule["state"] != "inactive"] == []


def test_a_service_that_is_gone_is_noticed(watched: tuple[Project, Service, Prometheus]) -> None:
    """Comes last: nobody starts it again."""
    project, service, prometheus = watched
    groups = yaml.safe_load((project.path / RULES).read_text())["groups"]
    (down,) = (rule for group in groups for rule in group["rules"] if rule.get("alert") == "ServiceDown")
    assert prometheus.query(down["expr"]) == []
    service.kill()
    eventually(lambda: bool(prometheus.query(down["expr"])), prometheus.rules)


def _traffic(service: Service) -> None:
    """What clients do, and what is refused."""
    walk = Walk(service.url)
    walk.operations()
    walk.lifecycle()
    walk.refusals()


def _panels(project: Project) -> Iterator[tuple[str, list[str]]]:
    """The title of each panel and its expressions, with what a viewer would choose."""
    for panel in json.loads((project.path / DASHBOARD).read_text())["panels"]:
        if targets := panel.get("targets"):
            filled = [each["expr"].replace("$__rate_interval", "30s").replace("$namespace", ".*") for each in targets]
            yield panel["title"], filled


def _has_figures(found: list[dict[str, Any]]) -> bool:
    return any(not math.isnan(float(each["value"][1])) for each in found)
