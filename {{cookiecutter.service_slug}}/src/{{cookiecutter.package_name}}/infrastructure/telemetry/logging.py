"""One line of JSON for each thing worth telling, on standard output; libraries' logs take the same way."""

import logging
import sys
from typing import Any

import orjson
import structlog
from structlog.dev import plain_traceback
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

# Without the values of variables, where passwords and callers' data are.
_traceback = ExceptionDictTransformer(show_locals=False)


def configure_logging(level: str, format: str, **fields: str) -> None:
    """Set up structlog and the standard library's logging.

    Args:
        level: debug, info, warning or error.
        format: json, console, or auto (console on a terminal, else json).
        fields: what every line carries, such as service and version.
    """
    as_json = format == "json" or (format == "auto" and not sys.stdout.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _Fields(fields if as_json else {}),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_colours,
    ]
    render: list[Processor] = (
        [structlog.processors.ExceptionRenderer(_traceback), structlog.processors.JSONRenderer(_to_json)]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=plain_traceback)]
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
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


class _Fields:
    """Adds the same fields to every line."""

    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        del logger, name
        event.update(self._fields)
        return event


def _without_colours(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """uvicorn sends each message a second time, coloured."""
    del logger, name
    event.pop("color_message", None)
    return event


def _to_json(event: dict[str, Any], **_: Any) -> str:
    return orjson.dumps(event, default=repr).decode()
