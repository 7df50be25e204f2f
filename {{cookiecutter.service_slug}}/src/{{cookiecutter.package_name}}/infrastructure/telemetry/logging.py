"""One line of JSON for each thing worth telling; libraries' logs take the same way.

docs/observability.md lists every field.
"""

import logging
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.dev import plain_traceback
from structlog.typing import EventDict, Processor, WrappedLogger

from .exceptions import structured
from .lines import of_a_library, to_json
from .output import LimitingHandler
from .redaction import Redaction
from .text import without_passwords
{%- if cookiecutter.tracing != "none" %}
from .tracing import trace_ids
{%- endif %}

_log = structlog.stdlib.get_logger("process")


def configure_logging(
    level: str,
    format: str,
    stream: TextIO | None = None,
    redacted: Iterable[str] = (),
    **fields: str,
) -> None:
    """Set up structlog and the standard library's logging.

    Args:
        level: debug, info, warning or error.
        format: json, console, or auto (console on a terminal, else json).
        stream: where to; standard output if not given.
        redacted: names of fields that are not told, beside those that never are.
        fields: what every line carries, such as service and version.
    """
    stream = stream or sys.stdout
    as_json = format == "json" or (format == "auto" and not stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
{%- if cookiecutter.tracing != "none" %}
        trace_ids,
{%- endif %}
        _Fields(fields if as_json else {}),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    redaction = Redaction(redacted)
    render: list[Processor] = (
        [structlog.processors.ExceptionRenderer(structured), redaction, structlog.processors.JSONRenderer(to_json)]
        if as_json
        else [redaction, structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain_traceback)]
    )
    handler = LimitingHandler(stream)
    handler.addFilter(_is_no_debug_of_a_library)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared, of_a_library],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render, _without_passwords],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # `migrations` sums up what it did
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _tell_what_ends_the_process


class _Fields:
    """Adds the same fields to every line."""

    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        del logger, name
        event.update(self._fields)
        return event


def _tell_what_ends_the_process(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Python itself would write many lines, and no JSON, to standard error."""
    if issubclass(kind, Exception):
        _log.error("unforeseen error", exc_info=(kind, error, traceback))
    else:
        sys.__excepthook__(kind, error, traceback)


def _is_no_debug_of_a_library(record: logging.LogRecord) -> bool:
    """At debug drivers tell every statement with its values: callers' data. The service's own lines are dicts."""
    return record.levelno >= logging.INFO or isinstance(record.msg, dict)


def _without_passwords(logger: WrappedLogger, name: str, line: Any) -> Any:
    del logger, name
    return without_passwords(line)
