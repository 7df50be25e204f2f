"""All rules of a service: those of its objectives, and its own alerts."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, TypeAdapter

from . import burn
from .objectives import Part, Promises

Rule = dict[str, Any]


class Alert(Part):
    """An alert in observability/alerts."""

    alert: str = Field(pattern=r"^[A-Z][A-Za-z]*$")
    severity: Literal["page", "ticket"]
    expr: str
    lasts: str = Field("0s", alias="for")
    summary: str
    description: str


def groups(promises: Promises, alerts: Sequence[Path]) -> list[dict[str, object]]:
    """Every group of rules, in Prometheus' format."""
    found: dict[str, list[Rule]] = {each.name: list(burn.rules(each, promises)) for each in promises.objectives}
    found |= {path.stem: list(_alerts(path, promises)) for path in sorted(alerts)}
    for rule in (rule for rules in found.values() for rule in rules if "alert" in rule):
        rule["annotations"]["runbook_url"] = f"{promises.runbooks}/{runbook(rule['alert'])}.md"
    return [
        {"name": f"{promises.service}: {name}", "interval": f"{burn.INTERVAL_SECONDS}s", "rules": rules}
        for name, rules in found.items()
    ]


def runbook(alert: str) -> str:
    """The name of an alert's runbook: `not-ready` for `NotReady`."""
    return "-".join(re.findall("[A-Z][a-z]*", alert)).lower()


def text(found: object) -> str:
    """As YAML, with expressions as readable blocks."""
    return yaml.dump(found, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000)


def _alerts(path: Path, promises: Promises) -> Iterator[Rule]:
    for each in TypeAdapter(list[Alert]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8"))):
        yield {
            "alert": each.alert,
            "expr": promises.filled(each.expr.strip()),
            "for": each.lasts,
            "labels": {"severity": each.severity, "service": promises.service},
            "annotations": {"summary": f"{promises.service}: {each.summary}", "description": each.description.strip()},
        }


class _Dumper(yaml.SafeDumper):
    """Lists are indented, and a text of several lines is written as a block."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def _text_of_several_lines(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text_of_several_lines)
