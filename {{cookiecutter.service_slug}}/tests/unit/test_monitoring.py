"""What watches the service looks at figures that it tells, and leads to runbooks that exist."""

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from observability.__main__ import made
from observability.rules import runbook
from structlog.testing import capture_logs

from {{ cookiecutter.package_name }}.__main__ import main
from {{ cookiecutter.package_name }}.bootstrap import create_service
from {{ cookiecutter.package_name }}.config import load_settings
from {{ cookiecutter.package_name }}.config.settings import SECTIONS
from {{ cookiecutter.package_name }}.infrastructure.database.memory import MemoryDatabase

from .. import promql
from ..conftest import running

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
# What Prometheus adds by itself.
OF_PROMETHEUS = {"up": {"job"}, "ALERTS": {"alertname", "alertstate", "severity", "service"}}
LABELS_OF_TARGETS = {"job", "instance", "namespace"}
Figures = dict[str, set[str]]


class BrokenDatabase(MemoryDatabase):
    """Cannot list anything."""

    async def page(self, *_: Any) -> Any:
        raise ZeroDivisionError


@pytest.fixture
async def figures() -> Figures:
    """Every figure that the service tells after some traffic, with its labels."""
    service = create_service(load_settings(), BrokenDatabase(){{ ", works=True" if cookiecutter.broker != "none" }})
    with capture_logs():
        async with running(service) as client:
            await traffic(client)
            text = (await client.get("/metrics")).text
    found: Figures = {}
    for name, labels in re.findall(r"(?m)^([a-z]\w*)(?:\{(.*)\})? ", text):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
        found[name].update(f"le={edge}" for edge in re.findall(r'le="([^"]+)"', labels))
    return found


async def traffic(client: httpx2.AsyncClient) -> None:
    """What clients do, with a refusal and a fault."""
    url = "/v1/{{ cookiecutter.__resource }}"
    created = await client.post(url, json={"reference": "A-1", "quantity": 1})
    await client.post(f"{url}/{created.json()['id']}/confirm", headers={"if-match": "*"})
    assert (await client.get(f"{url}/nobody")).status_code == 422
    assert (await client.get(url)).status_code == 500


@cache
def rules() -> list[dict[str, Any]]:
    """Every rule that Prometheus has."""
    groups = yaml.safe_load((ROOT / "observability" / "rules.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """Those that are alerts."""
    return [rule for rule in rules() if "alert" in rule]


def panels() -> Iterator[tuple[str, str]]:
    """The title of each panel, with each of its expressions."""
    for panel in json.loads((ROOT / "observability" / "dashboard.json").read_text())["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel.get("targets", []))


def unknown(expression: str, figures: Figures) -> list[str]:
    """What an expression asks for and nobody tells."""
    recorded = {rule["record"]: {"service", "slo"} for rule in rules() if "record" in rule}
    known = figures | OF_PROMETHEUS | recorded
    found = []
    for name, labels in promql.selectors(expression):
        if name not in known:
            found.append(name)
        found += [f"{name}: {label}" for label in labels - known.get(name, set()) - LABELS_OF_TARGETS]
    return found


async def test_every_rule_and_every_panel_asks_for_what_the_service_tells(figures: Figures) -> None:
    asked = [(rule.get("alert", rule.get("record")), rule["expr"]) for rule in rules()] + list(panels())
    missing = {name: what for name, expression in asked if (what := unknown(expression, figures))}
    assert missing == {}


def test_what_is_made_from_other_files_is_up_to_date() -> None:
    stale = [path.name for path, text in made().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run `make slo`"


@pytest.mark.parametrize("name", sorted({alert["alert"] for alert in alerts()}))
def test_an_alert_tells_how_urgent_it_is_what_it_means_and_what_to_do(name: str) -> None:
    file = RUNBOOKS / f"{runbook(name)}.md"
    for alert in (alert for alert in alerts() if alert["alert"] == name):
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert alert["annotations"]["summary"]
        assert alert["annotations"]["description"]
        assert alert["annotations"]["runbook_url"].endswith(f"docs/runbooks/{file.name}")
    text = file.read_text()
    assert re.findall("(?m)^## (.*)", text) == ["Symptoms", "Impact", "First five commands", "Mitigation", "Escalation"]
    assert f"`{name}`" in text


def test_every_alert_fires_and_ends_in_a_test() -> None:
    wanted = {(each["alert"], each["labels"]["severity"], each["labels"].get("window")) for each in alerts()}
    fired, ended = set(), set()
    for file in (ROOT / "tests" / "alerts").glob("*.yaml"):
        for test in yaml.safe_load(file.read_text())["tests"]:
            steps = [set(firing(step)) for step in test["promql_expr_test"]]
            fired |= set().union(*steps)
            ended |= {each for step, after in pairwise(steps) for each in step - after}
    assert fired == wanted
    assert ended == wanted


def firing(step: dict[str, Any]) -> Iterator[tuple[str | None, ...]]:
    """The alerts that a test expects at a time."""
    for sample in step["exp_samples"]:
        labels = dict(re.findall(r'(\w+)="([^"]+)"', sample["labels"]))
        yield tuple(labels.get(name) for name in ("alertname", "severity", "window"))


@cache
def written() -> str:
    """All that people on call read."""
    return "\n".join(path.read_text() for path in [*RUNBOOKS.glob("*.md"), ROOT / "docs" / "oncall.md"])


async def test_figures_that_runbooks_name_exist(figures: Figures) -> None:
    prefixes = "|".join(sorted({"_".join(name.split("_")[:2]) for name in figures if "_" in name}))
    others = {"{{ cookiecutter.__entities }}", "{{ cookiecutter.package_name }}"}  # the table, the package
    for name in set(re.findall(rf"\b(?:{prefixes})_[a-z_]+\b", written())) - others:
        assert any(figure.startswith(name) for figure in figures), name


def test_settings_that_runbooks_name_exist() -> None:
    settings = {section.variable(name) for section in SECTIONS.values() for name in section.model_fields}
    prefixes = "|".join(sorted({name.partition("_")[0] for name in settings}))
    assert set(re.findall(rf"\b(?:{prefixes})_[A-Z_]+\b", written())) <= settings


def test_commands_and_objects_that_runbooks_name_exist() -> None:
    commands = set(re.findall(r"(?:uv run|--) {{ cookiecutter.service_slug }} ([a-z-]+)", written()))
    assert commands <= set(main.commands)
    manifests = [yaml.safe_load(path.read_text()) for path in (ROOT / "k8s").glob("*.yaml")]
    there = {f"{each['kind'].lower()}/{each['metadata']['name']}" for each in manifests if "metadata" in each}
    assert set(re.findall(r"\b(?:deployment|job)/[a-z0-9-]+", written())) <= there


def test_log_lines_that_runbooks_look_for_exist() -> None:
    documented = (ROOT / "docs" / "observability.md").read_text()
    looked_for = re.findall(r"kubectl .* logs .*?\| grep (?:-E )?'([\w |]+)'", written())
    lines = {line for pattern in looked_for for line in pattern.split("|")}
    assert lines
    assert {line for line in lines if f"`{line}`" not in documented} == set()


def test_links_of_runbooks_lead_somewhere() -> None:
    for path in [*RUNBOOKS.glob("*.md"), ROOT / "docs" / "oncall.md"]:
        for link in re.findall(r"\]\(([\w./-]+\.\w+)[#)]", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name}: {link}"
