"""Exceptions as data: type, message and frames, and what caused them; bounded, without the values of variables."""

from typing import Any

from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import ExcInfo

from .text import shortened

MOST_FRAMES = 20
MOST_EXCEPTIONS = 4
LONGEST_MESSAGE = 1_000

# Without the values of variables, where passwords and callers' data are.
_extract = ExceptionDictTransformer(show_locals=False, max_frames=MOST_FRAMES)


def structured(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """What is told of an exception, the one that was raised first, then what caused it.

    Of many in a chain the last, the root of all, is always among them; of many frames the outermost and the innermost.
    """
    return _bounded(_extract(exc_info))


def _bounded(chain: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if (left_out := len(chain) - MOST_EXCEPTIONS) > 0:
        between = {"exc_type": f"Skipped exceptions: {left_out}", "exc_value": ""}
        chain = [*chain[: MOST_EXCEPTIONS - 1], between, chain[-1]]
    return [_told(each) for each in chain]


def _told(exception: dict[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in exception.items() if value not in (None, False, [])}
    told["exc_value"] = shortened(exception["exc_value"], LONGEST_MESSAGE)
    if notes := told.get("exc_notes"):
        told["exc_notes"] = [shortened(note, LONGEST_MESSAGE) for note in notes[:2]]
    if members := told.get("exceptions"):  # of an exception group
        told["exceptions"] = [_bounded(member[:1]) for member in members[:MOST_EXCEPTIONS]]
        for [member] in told["exceptions"]:
            member["frames"] = member.get("frames", [])[-MOST_FRAMES // 4 :]
    return told
