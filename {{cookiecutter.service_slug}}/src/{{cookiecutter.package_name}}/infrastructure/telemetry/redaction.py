"""What no line may tell is replaced by a mark, and what is endless is cut.

Free text is not searched: whoever writes a password or an address into a sentence tells it.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from enum import Enum
from functools import lru_cache
from itertools import islice
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from structlog.typing import EventDict, WrappedLogger

from .sensitive import SensitiveNames
from .text import LONGEST_TEXT, MARK, shortened

CUT = "[cut]"
# Bounds of what is looked at for one line.
DEEPEST = 8
MOST_ITEMS = 50
MOST_VALUES = 1_000
MOST_NAMES = 2_000  # that are remembered

_plain = frozenset({bool, int, float, type(None), UUID, datetime, date, time})


class Redaction:
    """A processor for structlog.

    Looked into are mappings, sequences, pairs of a name and a value (headers), dataclasses and models. That there is no
    secret, or whether there is one, may be told: None, True and False are left.
    """

    def __init__(self, further: Iterable[str] = ()) -> None:
        """Know what to look for.

        Args:
            further: names of fields, or words of names, beside those that are always looked for.
        """
        self._is_secret = lru_cache(maxsize=MOST_NAMES)(SensitiveNames(further).__contains__)
        self._harmless: set[str] = set()  # the same few names come with every line

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        """Clean a line."""
        del logger, name
        if not event.keys() <= self._harmless:
            self._redact(event)
        for key, value in event.items():
            kind = type(value)
            if kind is str:
                if len(value) > LONGEST_TEXT:
                    event[key] = shortened(value)
            elif kind not in _plain and key != "exc_info":
                event[key] = self._clean(value, DEEPEST, iter(range(MOST_VALUES)))
        return event

    def _redact(self, event: EventDict) -> None:
        for key, value in event.items():
            if self._is_secret(key):
                event[key] = _marked(value)
            elif len(self._harmless) < MOST_NAMES:
                self._harmless.add(key)

    def _clean(self, value: Any, deeper: int, budget: Iterator[int]) -> Any:
        """A copy that may be told.

        Args:
            value: anything.
            deeper: how many levels may be looked into.
            budget: how many more values the line may have.
        """
        if next(budget, None) is None:
            return CUT
        if type(value) in _plain or isinstance(value, Enum):
            return value
        if isinstance(value, str):
            return shortened(value)
        pairs = _pairs(value)
        if pairs is None and not isinstance(value, list | tuple | deque | AbstractSet):
            return shortened(repr(value))
        if not deeper:
            return CUT
        if pairs is not None:
            few = islice(pairs, MOST_ITEMS)
            return {_text(key): self._field(_text(key), each, deeper - 1, budget) for key, each in few}
        if isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], str | bytes):
            return [_text(value[0]), self._field(_text(value[0]), value[1], deeper - 1, budget)]
        return [self._clean(each, deeper - 1, budget) for each in islice(value, MOST_ITEMS)]

    def _field(self, key: str, value: Any, deeper: int, budget: Iterator[int]) -> Any:
        return _marked(value) if self._is_secret(key) else self._clean(value, deeper, budget)


def _marked(value: Any) -> Any:
    return value if value is None or isinstance(value, bool) else MARK


def _pairs(value: Any) -> Iterable[tuple[Any, Any]] | None:
    """The fields of what has some."""
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, BaseModel):
        return iter(value)
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    return None


def _text(key: object) -> str:
    return shortened(key.decode("latin-1") if isinstance(key, bytes) else str(key), 200)
