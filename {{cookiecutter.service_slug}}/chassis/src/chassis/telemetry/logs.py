"""Sets up logs: one line of JSON for each event; logs of libraries take the same way."""

import logging
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.dev import plain_traceback
from structlog.typing import EventDict, Processor, WrappedLogger

from ..service import ServiceIdentity
from .exceptions import structured
from .log_handler import RateLimitedHandler
from .log_renderer import normalize_foreign, to_json
from .redaction import Redaction
from .spans import trace_ids
from .text import without_passwords

_log = structlog.stdlib.get_logger("process")


def configure_logging(
    level: str,
    format: str,
    stream: TextIO | None = None,
    redacted: Iterable[str] = (),
    *,
    identity: ServiceIdentity,
    environment: str,
) -> None:
    """Set up structlog and the standard library's logging.

    Args:
        level: debug, info, warning or error.
        format: json, console, or auto (console on a terminal, else json).
        stream: where lines are written; standard output if not given.
        redacted: names of fields to redact, in addition to those that always are.
        identity: of the service, for every line of JSON.
        environment: where it runs, for every line of JSON.
    """
    stream = stream or sys.stdout
    fields = {"service": identity.name, "version": identity.version, "environment": environment}
    as_json = format == "json" or (format == "auto" and not stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        trace_ids,
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
    handler = RateLimitedHandler(stream)
    handler.addFilter(_is_own_or_above_debug)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared, normalize_foreign],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render, _without_passwords],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # the migration runner logs a summary
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
    sys.excepthook = _log_unhandled


class _Fields:
    """Adds the same fields to every line."""

    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        del logger, name
        event.update(self._fields)
        return event


def _log_unhandled(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Python itself would write several lines of text to standard error."""
    if issubclass(kind, Exception):
        _log.error("unhandled exception", exc_info=(kind, error, traceback))
    else:
        sys.__excepthook__(kind, error, traceback)


def _is_own_or_above_debug(record: logging.LogRecord) -> bool:
    """At debug, drivers log statements with their values: clients' data. The service's own messages are dicts."""
    return record.levelno >= logging.INFO or isinstance(record.msg, dict)


def _without_passwords(logger: WrappedLogger, name: str, line: Any) -> Any:
    del logger, name
    return without_passwords(line)
