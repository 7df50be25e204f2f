"""Grafana's dashboard, from observability/dashboard."""

import json
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, TypeAdapter

from .objectives import Part, Promises

COLUMNS = 24
HEIGHT = 7
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


class Query(Part):
    """One or more series: `legend` is a text, or the labels that distinguish the series."""

    expr: str
    legend: str | list[str]


class Panel(Part):
    """One graph or number."""

    title: str
    description: str = ""
    kind: Literal["timeseries", "stat"] = "timeseries"
    unit: str = "short"
    width: int = Field(8, ge=1, le=COLUMNS)
    # Drawn as a line: values above need attention.
    limit: float | None = None
    queries: list[Query] = Field(min_length=1)


class Row(Part):
    """Panels under one heading."""

    row: str
    panels: list[Panel]


def text(files: Sequence[Path], promises: Promises) -> str:
    """The dashboard, in Grafana's format."""
    rows = [row for file in files for row in _read(file)]
    board = {
        "uid": promises.service,
        "title": promises.service,
        "tags": ["service"],
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "schemaVersion": 39,
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_source(), _namespace(promises)]},
        "annotations": {"list": [_starts(promises)]},
        "panels": list(_panels(rows, promises)),
    }
    return json.dumps(board, indent=2, ensure_ascii=False) + "\n"


def _read(file: Path) -> list[Row]:
    return TypeAdapter(list[Row]).validate_python(yaml.safe_load(file.read_text(encoding="utf-8")))


def _panels(rows: Sequence[Row], promises: Promises) -> Iterator[dict[str, Any]]:
    """From left to right, from top to bottom."""
    ids, top = count(1), 0
    for row in rows:
        place = {"h": 1, "w": COLUMNS, "x": 0, "y": top}
        yield {"id": next(ids), "type": "row", "title": row.row, "collapsed": False, "gridPos": place, "panels": []}
        top, left = top + 1, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left = top + HEIGHT, 0
            place = {"h": HEIGHT, "w": panel.width, "x": left, "y": top}
            yield {"id": next(ids), **_panel(panel, promises), "gridPos": place}
            left += panel.width
        top += HEIGHT


def _panel(panel: Panel, promises: Promises) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.limit is not None:
        steps = [{"color": "green", "value": None}, {"color": "red", "value": panel.limit}]
        defaults |= {"thresholds": {"mode": "absolute", "steps": steps}}
        defaults |= {"custom": {"thresholdsStyle": {"mode": "line"}}} if panel.kind == "timeseries" else {}
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [_target(letter, query, promises) for letter, query in zip("ABCDEFGH", panel.queries, strict=False)],
    }


def _target(letter: str, query: Query, promises: Promises) -> dict[str, Any]:
    labels = [query.legend] if isinstance(query.legend, str) else [f"{{{{{name}}}}}" for name in query.legend]
    here = f'{promises.job_matcher}, namespace=~"$namespace"'
    expr = promises.filled(query.expr.replace("$here", here))
    target = {"refId": letter, "datasource": SOURCE, "expr": expr, "legendFormat": " ".join(labels)}
    # Grafana shows a histogram's exemplars only on request.
    return target | ({"exemplar": True} if "_bucket" in expr else {})


def _source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _namespace(promises: Promises) -> dict[str, Any]:
    """All by default, which includes series without one, as outside of Kubernetes."""
    return {
        "name": "namespace",
        "type": "query",
        "datasource": SOURCE,
        "query": f"label_values(up{{{promises.job_matcher}}}, namespace)",
        "refresh": 2,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _starts(promises: Promises) -> dict[str, Any]:
    """Marks each start of a process: releases and crashes."""
    return {
        "name": "starts",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "blue",
        # Not changes(): a new pod is a new series, which has not changed. Longer than a step, as scrapes are late.
        "expr": f'time() - process_start_time_seconds{{{promises.job_matcher}, namespace=~"$namespace"}} < 90',
        "titleFormat": "{{job}} started",
        "step": "60s",
    }
