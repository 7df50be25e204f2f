"""Checks of a service's monitoring: rules, dashboard and runbooks name only what the service has."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from ..observability.files import stale_files
from ..observability.rules import runbook
from .promql import selectors

# Added by Prometheus itself.
PROMETHEUS = {"up": {"job"}, "ALERTS": {"alertname", "alertstate", "severity", "service"}}
TARGET_LABELS = {"job", "instance", "namespace"}
HEADINGS = ["Symptoms", "Impact", "First five commands", "Mitigation", "Escalation"]
Metrics = Mapping[str, Collection[str]]


def metrics_of(exposition: str) -> dict[str, set[str]]:
    """The names in the answer of /metrics, each with its labels; a bucket's upper bound counts as `le=BOUND`."""
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"(?m)^([a-z]\w*)(?:\{(.*)\})? ", exposition):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
        found[name].update(f"le={bound}" for bound in re.findall(r'le="([^"]+)"', labels))
    return found


class Monitoring:
    """The monitoring of the service in a folder. Every check returns problems; none is the aim."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._runbooks = root / "docs" / "runbooks"

    @cached_property
    def rules(self) -> list[dict[str, Any]]:
        """Every rule that Prometheus evaluates."""
        groups = yaml.safe_load((self._root / "observability" / "rules.yaml").read_text(encoding="utf-8"))["groups"]
        return [rule for group in groups for rule in group["rules"]]

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """The rules that are alerts."""
        return [rule for rule in self.rules if "alert" in rule]

    @cached_property
    def instructions(self) -> str:
        """Everything that people on call read."""
        return "\n".join(path.read_text(encoding="utf-8") for path in self._instruction_files())

    def stale(self) -> list[str]:
        """Generated files that are out of date; the generator writes them anew."""
        return [path.name for path in stale_files(self._root)]

    def unknown_series(self, metrics: Metrics) -> dict[str, list[str]]:
        """Rules and panels that select metrics or labels which the service does not have.

        Args:
            metrics: of the service, after some traffic.
        """
        recorded = {rule["record"]: {"service", "slo"} for rule in self.rules if "record" in rule}
        known = {**metrics, **PROMETHEUS, **recorded}
        expressions = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in self.rules]
        problems: dict[str, list[str]] = {}
        for title, expression in [*expressions, *self._panels()]:
            for name, labels in selectors(expression):
                unknown = sorted(labels - set(known.get(name, ())) - TARGET_LABELS)
                found = [name] if name not in known else [f"{name}: {label}" for label in unknown]
                if found:
                    problems.setdefault(title, []).extend(found)
        return problems

    def alert_problems(self) -> list[str]:
        """Alerts without a severity, a text, or a complete runbook that names them."""
        return [f"{alert['alert']}: {problem}" for alert in self.alerts for problem in self._problems_of(alert)]

    def untested_alerts(self, tests: Path) -> list[tuple[str, str, str | None]]:
        """Alerts, by name, severity and window, that promtool's tests do not show both firing and ending."""
        fired, ended = set(), set()
        for file in tests.glob("*.yaml"):
            for test in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]:
                steps = [set(_firing(step)) for step in test["promql_expr_test"]]
                fired |= set().union(*steps)
                ended |= {each for step, after in pairwise(steps) for each in step - after}
        wanted = {(each["alert"], each["labels"]["severity"], each["labels"].get("window")) for each in self.alerts}
        return sorted(wanted - (fired & ended), key=str)

    def unknown_metrics_in_runbooks(self, metrics: Metrics, other_names: Collection[str] = ()) -> list[str]:
        """Words in runbooks that look like a metric of the service and are not one.

        Args:
            metrics: of the service, after some traffic.
            other_names: tables, packages and the like that resemble metrics.
        """
        prefixes = "|".join(sorted({"_".join(name.split("_")[:2]) for name in metrics if "_" in name}))
        named = set(re.findall(rf"\b(?:{prefixes})_[a-z_]+\b", self.instructions)) - set(other_names)
        return sorted(name for name in named if not any(metric.startswith(name) for metric in metrics))

    def unknown_variables_in_runbooks(self, variables: Collection[str]) -> list[str]:
        """Words in runbooks that look like a setting of the service and are not one."""
        prefixes = "|".join(sorted({name.partition("_")[0] for name in variables}))
        return sorted(set(re.findall(rf"\b(?:{prefixes})_[A-Z_]+\b", self.instructions)) - set(variables))

    def unknown_commands_in_runbooks(self, program: str, commands: Collection[str]) -> list[str]:
        """Commands of the service in runbooks that do not exist."""
        return sorted(set(re.findall(rf"(?:uv run|--) {program} ([a-z-]+)", self.instructions)) - set(commands))

    def unknown_log_events_in_runbooks(self, events: Collection[str]) -> list[str]:
        """Log events that runbooks search for, or quote after "log line", and the service does not log."""
        searched = re.findall(r"kubectl .* logs .*?\| grep (?:-E )?'([\w |]+)'", self.instructions)
        named = {event for pattern in searched for event in pattern.split("|")}
        for quoted in re.findall(r"[Ll]og lines? ((?:`[^`\n]+`(?:, | and | or )?)+)", self.instructions):
            named |= set(re.findall(r"`([^`]+)`", quoted))
        return sorted(named - set(events))

    def broken_links_in_runbooks(self) -> list[str]:
        """Links to files that do not exist."""
        return [
            f"{path.name}: {link}"
            for path in self._instruction_files()
            for link in re.findall(r"\]\(([\w./-]+\.\w+)[#)]", path.read_text(encoding="utf-8"))
            if not (path.parent / link).exists()
        ]

    def _instruction_files(self) -> list[Path]:
        return [*sorted(self._runbooks.glob("*.md")), *sorted((self._root / "docs").glob("oncall.md"))]

    def _panels(self) -> Iterator[tuple[str, str]]:
        board = json.loads((self._root / "observability" / "dashboard.json").read_text(encoding="utf-8"))
        for panel in board["panels"]:
            yield from ((panel["title"], target["expr"]) for target in panel.get("targets", []))

    def _problems_of(self, alert: Mapping[str, Any]) -> Iterator[str]:
        if alert["labels"].get("severity") not in {"page", "ticket"}:
            yield "no severity"
        if not alert["annotations"].get("summary") or not alert["annotations"].get("description"):
            yield "no summary or description"
        file = self._runbooks / f"{runbook(alert['alert'])}.md"
        if not alert["annotations"]["runbook_url"].endswith(f"docs/runbooks/{file.name}"):
            yield f"does not link to {file.name}"
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        if re.findall("(?m)^## (.*)", text) != HEADINGS or f"`{alert['alert']}`" not in text:
            yield f"{file.name} is missing, does not name it, or has other sections than {', '.join(HEADINGS)}"


def _firing(step: Mapping[str, Any]) -> Iterator[tuple[str | None, ...]]:
    """The alerts that a step of promtool's tests expects."""
    for sample in step["exp_samples"]:
        labels = dict(re.findall(r'(\w+)="([^"]+)"', sample["labels"]))
        yield tuple(labels.get(name) for name in ("alertname", "severity", "window"))
