"""Rules and dashboard as generated from a service's own files."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.observability.__main__ import main
from chassis.observability.rules import runbook

GENERATED = [
    "observability/rules.yaml",
    "k8s/components/monitoring/prometheusrule.yaml",
    "observability/dashboard.json",
]


def groups(root: Path) -> dict[str, list[dict[str, Any]]]:
    """The rules of each group."""
    found = yaml.safe_load((root / "observability" / "rules.yaml").read_text())["groups"]
    return {group["name"]: group["rules"] for group in found}


def recorded(root: Path, group: str, name: str) -> str:
    """The expression of a recording rule."""
    [rule] = [rule for rule in groups(root)[group] if rule.get("record") == name]
    return str(rule["expr"])


def test_each_objective_and_each_file_of_alerts_is_a_group(root: Path) -> None:
    assert list(groups(root)) == [f"warehouse: {name}" for name in ("availability", "latency", "freshness", "service")]


def test_a_burn_rate_alert_has_the_factors_of_the_workbook(root: Path) -> None:
    alerts = [rule for rule in groups(root)["warehouse: availability"] if "alert" in rule]
    selector = '{service="warehouse", slo="availability"}'
    assert [(alert["labels"]["severity"], alert["labels"]["window"], alert["expr"]) for alert in alerts] == [
        (
            severity,
            long,
            f"slo:bad:ratio{long}{selector} > {factor} * 0.001\nand\n"
            f"slo:bad:ratio{short}{selector} > {factor} * 0.001\nand\n"
            f"sum_over_time(slo:bad:rate5m{selector}[{long}]) * 60 >= 10",
        )
        for severity, long, short, factor in [
            ("page", "1h", "5m", "14.4"),
            ("page", "6h", "30m", "6"),
            ("ticket", "1d", "2h", "3"),
            ("ticket", "3d", "6h", "1"),
        ]
    ]


def test_a_measure_selects_the_services_own_series(root: Path) -> None:
    jobs = 'job=~"warehouse|warehouse-worker"'
    requests = f'http_requests_total{{{jobs}, route=~"/v1/.*"'
    total = f"sum by (namespace) (rate({requests}}}[5m]))"
    assert recorded(root, "warehouse: availability", "slo:total:rate5m") == total
    bad = f'sum by (namespace) (rate({requests}, status=~"5.."}}[5m]))\nor\n0 * {total}'
    assert recorded(root, "warehouse: availability", "slo:bad:rate5m") == bad
    duration = recorded(root, "warehouse: latency", "slo:bad:rate5m")
    assert f'_bucket{{{jobs}, route=~"/v1/a|/v1/b-c", le="0.25"}}' in duration
    level = recorded(root, "warehouse: freshness", "slo:bad:rate5m")
    assert level == f"max by (namespace) (oldest_seconds{{{jobs}}}) > bool 10"


def test_an_alert_of_the_team_is_completed(root: Path) -> None:
    assert groups(root)["warehouse: service"] == [
        {
            "alert": "NotReady",
            "expr": 'sum by (namespace) (up{job=~"warehouse|warehouse-worker"}) == 0',
            "for": "5m",
            "labels": {"severity": "page", "service": "warehouse"},
            "annotations": {
                "summary": "warehouse: no process is ready",
                "description": "Look at $service.",
                "runbook_url": "https://example.org/docs/runbooks/not-ready.md",
            },
        }
    ]


def test_the_operator_gets_the_same_rules(root: Path) -> None:
    manifest = yaml.safe_load((root / GENERATED[1]).read_text())
    assert (manifest["kind"], manifest["metadata"]["name"]) == ("PrometheusRule", "warehouse")
    assert manifest["spec"] == yaml.safe_load((root / GENERATED[0]).read_text())


def test_panels_stand_side_by_side_as_far_as_they_fit(root: Path) -> None:
    panels = json.loads((root / GENERATED[2]).read_text())["panels"]
    positions = {panel["title"]: (panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert positions == {"First": (0, 0), "Requests": (0, 1), "Slow": (12, 1), "Start": (0, 8)}
    [requests, slow] = [panel["targets"][0] for panel in panels[1:3]]
    assert requests["legendFormat"] == "{{route}}"
    assert 'namespace=~"$namespace"' in requests["expr"]
    assert (slow.get("exemplar"), requests.get("exemplar")) == (True, None)


def test_check_reports_files_that_are_out_of_date_and_writes_nothing(root: Path) -> None:
    main(["--check"])
    slo = root / "slo.yaml"
    slo.write_text(slo.read_text().replace("99.9%", "99.5%"))
    before = [(root / name).read_text() for name in GENERATED]
    with pytest.raises(SystemExit) as reported:
        main(["--check"])
    assert str(reported.value).splitlines() == [f"{name} is out of date: run `make slo`" for name in GENERATED[:2]]
    assert before == [(root / name).read_text() for name in GENERATED]
    main([])
    main(["--check"])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("window: 30d", "window: 30", "is a number and a unit"),
        ("target: 99%", "target: 0.99", "is a percentage"),
        ("target: 99%", "target: 90%", "greater than or equal to 0.94"),
        ("window: 30d", "windwo: 30d", "windwo"),
        ("window: 30d", "window: [", "line 4"),
    ],
)
def test_a_mistake_is_reported_with_its_place(root: Path, old: str, new: str, reason: str) -> None:
    slo = root / "slo.yaml"
    slo.write_text(slo.read_text().replace(old, new))
    with pytest.raises(SystemExit, match=reason):
        main([])


def test_another_folder_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "docs")
    with pytest.raises(SystemExit, match="run this in the service's folder"):
        main([])


@pytest.mark.parametrize(("alert", "name"), [("NotReady", "not-ready"), ("ServerErrors", "server-errors")])
def test_a_runbook_is_named_after_its_alert(alert: str, name: str) -> None:
    assert runbook(alert) == name
