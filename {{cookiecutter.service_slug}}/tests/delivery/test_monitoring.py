"""Rules, dashboard and runbooks name only what the service has, and every alert fires and ends in a test."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn

import httpx2
import pytest
import yaml
from chassis.http.application import Service
from chassis.settings import sections
from chassis.testing.http import running
from chassis.testing.log_events import LogDocument
from chassis.testing.monitoring import Metrics, Monitoring, metrics_of
from structlog.testing import capture_logs

from tests.support.api import URL, create

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "tests" / "delivery" / "alerts"
MONITORING = Monitoring(ROOT)
PROMTOOL = shutil.which("promtool")
# The table and the package resemble metrics.
OTHER_NAMES = {"{{ cookiecutter.__entities }}", "{{ cookiecutter.package_name }}"}
SERVER_ONLY = re.compile(r"(?m)^\| `(\w+)` \|(.*?)\|.* with a real server only \|$")
LABEL = re.compile(r"`(\w+)`:")


@pytest.fixture
async def metrics(service: Service, store: object, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Metrics]:
    """Every metric of the service after some traffic, with a refused request and an error."""

    async def failing(*_: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(store, "page", failing)
    with capture_logs():
        async with running(service) as client:
            yield metrics_of(await exposition(client) + with_a_server())


def with_a_server() -> str:
    """The metrics that docs/metrics.md lists as those of a service with a real server, which these tests lack."""
    rows = SERVER_ONLY.findall((ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"))
    return "".join(
        name + "{" + ",".join(f'{label}=""' for label in LABEL.findall(labels)) + "} 0\n" for name, labels in rows
    )


async def exposition(client: httpx2.AsyncClient) -> str:
    """The answer of /metrics after some traffic."""
    url = (await create(client)).headers["location"]
    await client.post(f"{url}/confirm", headers={"if-match": "*"})
    assert (await client.get(f"{URL}/not-an-id")).status_code == 422
    assert (await client.get(URL)).status_code == 500
    return (await client.get("/metrics")).text


def test_generated_files_are_up_to_date() -> None:
    assert MONITORING.stale() == [], "run `make slo`"


def test_every_rule_and_panel_selects_existing_series(metrics: Metrics) -> None:
    assert MONITORING.unknown_series(metrics) == {}


def test_every_alert_has_a_severity_a_text_and_a_runbook() -> None:
    assert MONITORING.alert_problems() == []


def test_every_alert_fires_and_ends_in_a_test() -> None:
    assert MONITORING.untested_alerts(ALERTS) == []


@pytest.mark.skipif(not PROMTOOL, reason="promtool, which comes with Prometheus, is not on PATH: no alert was fired")
@pytest.mark.parametrize("arguments", [["check", "rules"], ["test", "rules"]], ids=" ".join)
def test_promtool_accepts_the_rules(arguments: list[str]) -> None:
    files = sorted(ALERTS.glob("*.yaml")) if "test" in arguments else [ROOT / "observability" / "rules.yaml"]
    done = subprocess.run([str(PROMTOOL), *arguments, *map(str, files)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_metrics_in_runbooks_exist(metrics: Metrics) -> None:
    assert MONITORING.unknown_metrics_in_runbooks(metrics, OTHER_NAMES) == []


def test_every_metric_is_listed(metrics: Metrics) -> None:
    rows = re.findall(r"(?m)^\| (`.+?) \|", (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"))
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    exposed = {re.sub("_(bucket|sum|count)$", "", name) for name in metrics}
    assert not (missing := exposed - listed), f"add {sorted(missing)} to docs/metrics.md"
    gone = {name for name in listed - exposed if not name.startswith("process_")}  # on Linux only
    assert not gone, f"the service has no {sorted(gone)}: remove them from docs/metrics.md"


def test_settings_in_runbooks_exist(settings: Any) -> None:
    known = {section.variable(name) for section in sections(type(settings)).values() for name in section.model_fields}
    assert MONITORING.unknown_variables_in_runbooks(known) == []


def test_commands_in_runbooks_exist() -> None:
    command = [sys.executable, "-m", "{{ cookiecutter.package_name }}", "--help"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ).stdout
    commands = re.findall(r"(?m)^  ([a-z-]+)  ", printed.partition("Commands:")[2])
    assert MONITORING.unknown_commands_in_runbooks("{{ cookiecutter.service_slug }}", commands) == []


def test_objects_in_runbooks_exist() -> None:
    manifests = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in (ROOT / "k8s").glob("*.yaml")]
    known = {f"{each['kind'].lower()}/{each['metadata']['name']}" for each in manifests if "metadata" in each}
    assert set(re.findall(r"\b(?:deployment|job)/[a-z0-9-]+", MONITORING.instructions)) <= known


def test_log_events_in_runbooks_are_documented() -> None:
    documented = {event for event, _ in LogDocument(ROOT / "docs" / "observability.md").events}
    assert MONITORING.unknown_log_events_in_runbooks(documented) == []


def test_links_in_runbooks_lead_somewhere() -> None:
    assert MONITORING.broken_links_in_runbooks() == []
