"""Variables that OpenTelemetry's SDK reads from the environment by itself.

For a malformed value it raises an error that names no variable, as early as the import of a module or as late as the
export of a span, or it logs a traceback and goes on with the default. An empty variable counts as not set.
"""

import os
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points

_POSITIVE = (
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_SCHEDULE_DELAY",
)
_COUNTS = (
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
)
_COMPRESSIONS = ("OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION")
_FILES = (
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
)
_INSTALLED = {
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "opentelemetry_resource_detector",
    "OTEL_PROPAGATORS": "opentelemetry_propagator",
}
VARIABLES = (*_POSITIVE, *_COUNTS, *_COMPRESSIONS, *_FILES, *_INSTALLED)
# The SDK's, where the variables are not set.
_BATCH, _QUEUE = 512, 2_048


def variable_problems(environment: Mapping[str, str]) -> Iterator[str]:
    """Find malformed values.

    Args:
        environment: variables and their values.

    Returns:
        one line `NAME: reason` for each, without the value.
    """
    given = {name: environment[name].strip() for name in VARIABLES if environment.get(name, "").strip()}
    for name, value in given.items():
        if reason := _reason(name, value):
            yield f"{name}: {reason}"
    batch = given.get("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", str(_BATCH))
    queue = given.get("OTEL_BSP_MAX_QUEUE_SIZE", str(_QUEUE))
    if _is_number(batch, 1) and _is_number(queue, 1) and int(batch) > int(queue):
        yield f"OTEL_BSP_MAX_QUEUE_SIZE: must be at least OTEL_BSP_MAX_EXPORT_BATCH_SIZE, which is {batch}"


def _reason(name: str, value: str) -> str | None:
    if name in _POSITIVE:
        return None if _is_number(value, 1) else "must be a whole number from 1"
    if name in _COUNTS:
        return None if _is_number(value, 0) else "must be a whole number from 0"
    if name in _COMPRESSIONS:
        return None if value.lower() in {"gzip", "deflate", "none"} else "must be gzip, deflate or none"
    if name in _FILES:
        return None if os.access(value, os.R_OK) else "names no file that can be read"
    return _unknown(value, _INSTALLED[name])


def _is_number(value: str, minimum: int) -> bool:
    return value.isascii() and value.isdecimal() and len(value) < 10 and int(value) >= minimum


def _unknown(value: str, group: str) -> str | None:
    """`none` and `*` have a meaning of their own for propagators and for detectors."""
    known = {*entry_points(group=group).names, "none", "*"}
    given = {each.strip() for each in value.split(",")} - {""}
    return None if given <= known else f"names what is not installed; installed: {', '.join(sorted(known))}"
