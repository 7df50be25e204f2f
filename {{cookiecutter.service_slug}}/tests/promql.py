"""Reads what an expression in PromQL asks for; not a parser, but enough for expressions as they are written here."""

import re
from collections.abc import Iterator

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)")
_SELECTOR = re.compile(r"(?<![\w:.])([A-Za-z_:][\w:]*)\s*(?:\{([^{}]*)\})?(?!\s*\(|[\w:])")
_WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"}
_RANGE = re.compile(r"\[[^\]]*\]")


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric that is asked for, with the labels it is asked by; the edge of a bucket counts as `le=EDGE`."""
    edges = re.sub(r'le="([^"]+)"', r"le, le=\1", expression)
    plain = _RANGE.sub("", _GROUPING.sub("", _STRING.sub("", edges)))
    for name, labels in _SELECTOR.findall(plain):
        if name not in _WORDS:
            yield name, {label.strip(" =~!") for label in labels.split(",") if label.strip()}
