"""Exceptions as data: type, message, frames and causes; bounded, and without the values of variables."""

from typing import Any

from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import ExcInfo

from .text import shortened

MAX_FRAMES = 20
MAX_EXCEPTIONS = 4
MAX_MESSAGE = 1_000

# Without the values of variables, which hold passwords and clients' data.
_extract = ExceptionDictTransformer(show_locals=False, max_frames=MAX_FRAMES)


def structured(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """An exception and its causes as dictionaries: the one that was raised last comes first.

    Of a long chain the last one, the root cause, is always kept; of many frames the outermost and the innermost.
    """
    return _bounded(_extract(exc_info))


def _bounded(chain: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if (skipped := len(chain) - MAX_EXCEPTIONS) > 0:
        between = {"exc_type": f"Skipped exceptions: {skipped}", "exc_value": ""}
        chain = [*chain[: MAX_EXCEPTIONS - 1], between, chain[-1]]
    return [_reduced(each) for each in chain]


def _reduced(exception: dict[str, Any]) -> dict[str, Any]:
    reduced = {name: value for name, value in exception.items() if value not in (None, False, [])}
    reduced["exc_value"] = shortened(exception["exc_value"], MAX_MESSAGE)
    if notes := reduced.get("exc_notes"):
        reduced["exc_notes"] = [shortened(note, MAX_MESSAGE) for note in notes[:2]]
    if members := reduced.get("exceptions"):  # of an exception group
        reduced["exceptions"] = [_bounded(member[:1]) for member in members[:MAX_EXCEPTIONS]]
        for [member] in reduced["exceptions"]:
            member["frames"] = member.get("frames", [])[-MAX_FRAMES // 4 :]
    return reduced
