"""The checks of a service's monitoring notice what they promise to."""

from pathlib import Path

import pytest
import yaml

from chassis.observability.__main__ import main
from chassis.testing.monitoring import Monitoring, metrics_of
from chassis.testing.promql import selectors

from .service import METRICS


def edit(file: Path, old: str, new: str) -> None:
    """Change a file of the service and generate again."""
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    main([])


def test_a_complete_service_has_no_problems(root: Path) -> None:
    monitoring = Monitoring(root)
    assert monitoring.unknown_series(metrics_of(METRICS)) == {}
    assert monitoring.alert_problems() == []
    assert monitoring.stale() == []
    assert monitoring.broken_links_in_runbooks() == []


def test_a_metric_a_label_and_a_bucket_that_do_not_exist_are_noticed(root: Path) -> None:
    metrics = metrics_of(METRICS.replace("oldest_seconds", "latest_seconds").replace('le="0.25"', 'le="0.5"'))
    edit(root / "observability" / "dashboard" / "1-first.yaml", "requests_total{$here}", 'requests_total{$here, a="b"}')
    assert Monitoring(root).unknown_series(metrics) == {
        "slo:bad:rate5m": ["http_request_duration_seconds_bucket: le=0.25", "oldest_seconds"],
        "slo:total:rate5m": ["oldest_seconds"],
        "Requests": ["http_requests_total: a"],
    }


def test_a_generated_file_that_was_edited_is_noticed(root: Path) -> None:
    (root / "observability" / "rules.yaml").write_text("groups: []")
    assert Monitoring(root).stale() == ["rules.yaml"]


def test_a_missing_or_incomplete_runbook_is_noticed(root: Path) -> None:
    (root / "docs" / "runbooks" / "not-ready.md").unlink()
    edit(root / "docs" / "runbooks" / "server-errors.md", "## Impact", "## Other")
    problems = Monitoring(root).alert_problems()
    assert {problem.partition(" is missing")[0] for problem in problems} == {
        "NotReady: not-ready.md",
        "ServerErrors: server-errors.md",
    }


def test_runbooks_name_only_what_exists(root: Path) -> None:
    runbook = root / "docs" / "runbooks" / "not-ready.md"
    text = """`http_requests_totl`, `http_requests_total`, `HTTP_PROT`, `HTTP_PORT`
    [a](missing.md), [b](slow-answers.md)
    uv run warehouse migrat
    kubectl -n a logs b | grep -E 'known event|unknown event'
    Log lines `known event`, `quoted event` and `last event` with `reason`; the log line `known event`.
    """
    runbook.write_text(f"{runbook.read_text()}\n{text}")
    monitoring = Monitoring(root)
    assert monitoring.unknown_metrics_in_runbooks(metrics_of(METRICS)) == ["http_requests_totl"]
    assert monitoring.unknown_variables_in_runbooks(["HTTP_PORT"]) == ["HTTP_PROT"]
    assert monitoring.unknown_commands_in_runbooks("warehouse", ["migrate"]) == ["migrat"]
    assert monitoring.unknown_log_events_in_runbooks(["known event"]) == [
        "last event",
        "quoted event",
        "unknown event",
    ]
    assert monitoring.broken_links_in_runbooks() == ["not-ready.md: missing.md"]


def test_an_alert_is_tested_once_it_is_shown_firing_and_ending(root: Path, tmp_path: Path) -> None:
    monitoring = Monitoring(root)
    steps = [{"exp_samples": [{"labels": 'ALERTS{alertname="NotReady", severity="page"}'}]}]
    tests = tmp_path / "tests"
    tests.mkdir()
    for ended in (False, True):
        document = {"tests": [{"promql_expr_test": [*steps, {"exp_samples": []}] if ended else steps}]}
        (tests / "service.yaml").write_text(yaml.safe_dump(document))
        assert (("NotReady", "page", None) in monitoring.untested_alerts(tests)) is not ended


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('sum by (a) (rate(b_total{c="d{}", e=~"f"}[5m])) or vector(0)', [("b_total", {"c", "e"})]),
        ("slo:bad:rate5m / on (a) group_left (b) c", [("slo:bad:rate5m", set()), ("c", set())]),
        ('a_bucket{le="0.25"} offset 5m > bool 1.5e3', [("a_bucket", {"le", "le=0.25"})]),
    ],
)
def test_selectors_are_found_in_an_expression(expression: str, found: list[tuple[str, set[str]]]) -> None:
    assert [each for each in selectors(expression) if each[0] != "5m"] == found
