"""Logs are compared with the page about them."""

from pathlib import Path

import pytest
import structlog

from chassis.service import ServiceIdentity
from chassis.testing.log_events import LogDocument, LoggingCode, logged

PAGE = """\
# Observability

## Lines

| `event` | `logger` | level | further fields |
|---|---|---|---|
| `parcel weighed` | `scale` | `info` | `grams` |
| `scale lost`, `scale slow` | `scale` | `warning`, or `error` | |

## Fields

| field | type | when | meaning |
|---|---|---|---|
| `timestamp` | string | always | when |
| `level` | string | always | how bad |
| `logger` | string | always | who |
| `event` | string | always | what |
| `service` | string | always | where |
| `version` | string | always | of it |
| `environment` | string | always | of it |
| `grams` | integer | `parcel weighed` | its weight |
"""
IDENTITY = ServiceIdentity("warehouse", "Warehouse", "1.0.0", "Sends parcels.")


@pytest.fixture
def document(tmp_path: Path) -> LogDocument:
    """The page."""
    (tmp_path / "observability.md").write_text(PAGE)
    return LogDocument(tmp_path / "observability.md")


def test_reads_events_with_their_levels(document: LogDocument) -> None:
    assert document.events == {
        ("parcel weighed", "info"),
        *(("scale lost", level) for level in ("warning", "error")),
        *(("scale slow", level) for level in ("warning", "error")),
    }


def test_names_fields_that_are_unknown_or_of_another_type(document: LogDocument) -> None:
    with logged(IDENTITY) as lines:
        log = structlog.stdlib.get_logger("scale")
        log.info("parcel weighed", grams=300)
        log.info("parcel weighed", grams="much")
        log.warning("scale lost", reason="dropped")
        log.debug("not at this level")
    assert [line["event"] for line in lines] == ["parcel weighed", "parcel weighed", "scale lost"]
    assert document.undocumented(lines) == {("parcel weighed", "grams"), ("scale lost", "reason")}


def test_a_missing_table_is_named(document: LogDocument) -> None:
    with pytest.raises(AssertionError, match="no table below ## Other"):
        document.fields_below("## Other")


def test_reads_events_and_fields_from_the_code_that_a_package_reaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "weighing"
    (package / "parts").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "parts" / "__init__.py").write_text("def weigh():\n    from chassis.database import housekeeping\n")
    (package / "parts" / "scale.py").write_text('log.warning("scale lost", reason=1)\nlog.log(level, "scale slow")\n')
    monkeypatch.syspath_prepend(tmp_path)
    code = LoggingCode("weighing")
    assert ("scale lost", "warning") in code.events
    assert ("purged expired rows", "info") in code.events
    assert {"reason", "what"} <= code.fields
    assert ("draining", "info") not in code.events
    assert code.names("scale slow")
    assert not code.names("scale fast")
