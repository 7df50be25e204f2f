"""Redacts sensitive fields and truncates long values.

Free text is not searched: a password or an address written into a sentence is logged.
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

from .sensitive_names import SensitiveNames
from .text import MARK, MAX_TEXT, shortened

CUT = "[cut]"
# Limits for one line.
MAX_DEPTH = 8
MAX_ITEMS = 50
MAX_VALUES = 1_000
MAX_NAMES = 2_000  # that are cached

_plain = frozenset({bool, int, float, type(None), UUID, datetime, date, time})


class Redaction:
    """A processor for structlog.

    Searches mappings, sequences, pairs of a name and a value (headers), dataclasses and models. None and booleans are
    never redacted.
    """

    def __init__(self, further: Iterable[str] = ()) -> None:
        """Choose the names.

        Args:
            further: names of fields, or words of names, in addition to those that are always redacted.
        """
        self._is_secret = lru_cache(maxsize=MAX_NAMES)(SensitiveNames(further).__contains__)
        self._harmless: set[str] = set()  # the same few names come with every line

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        """Redact a line."""
        del logger, name
        if not event.keys() <= self._harmless:
            self._redact_fields(event)
        for key, value in event.items():
            kind = type(value)
            if kind is str:
                if len(value) > MAX_TEXT:
                    event[key] = shortened(value)
            elif kind not in _plain and key != "exc_info":
                event[key] = self._redacted(value, MAX_DEPTH, iter(range(MAX_VALUES)))
        return event

    def _redact_fields(self, event: EventDict) -> None:
        for key, value in event.items():
            if self._is_secret(key):
                event[key] = _marked(value)
            elif len(self._harmless) < MAX_NAMES:
                self._harmless.add(key)

    def _redacted(self, value: Any, deeper: int, budget: Iterator[int]) -> Any:
        """A copy that may be logged.

        Args:
            value: anything.
            deeper: how many more levels are searched.
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
            few = islice(pairs, MAX_ITEMS)
            return {_text(key): self._field(_text(key), each, deeper - 1, budget) for key, each in few}
        if isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], str | bytes):
            return [_text(value[0]), self._field(_text(value[0]), value[1], deeper - 1, budget)]
        return [self._redacted(each, deeper - 1, budget) for each in islice(value, MAX_ITEMS)]

    def _field(self, key: str, value: Any, deeper: int, budget: Iterator[int]) -> Any:
        return _marked(value) if self._is_secret(key) else self._redacted(value, deeper, budget)


def _marked(value: Any) -> Any:
    return value if value is None or isinstance(value, bool) else MARK


def _pairs(value: Any) -> Iterable[tuple[Any, Any]] | None:
    """Names and values of a mapping, model or dataclass; None for anything else."""
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, BaseModel):
        return iter(value)
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    return None


def _text(key: object) -> str:
    return shortened(key.decode("latin-1") if isinstance(key, bytes) else str(key), 200)
