"""Finds the series that a PromQL expression selects; not a parser, but sufficient for what services write."""

import re
from collections.abc import Iterator

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)")
_SELECTOR = re.compile(r"(?<![\w:.])([A-Za-z_:][\w:]*)\s*(?:\{([^{}]*)\})?(?!\s*\(|[\w:])")
_WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"}
_RANGE = re.compile(r"\[[^\]]*\]")


def selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each selected metric with the labels that select it; a bucket's upper bound counts as the label `le=BOUND`."""
    bounds = re.sub(r'le="([^"]+)"', r"le, le=\1", expression)
    plain = _RANGE.sub("", _GROUPING.sub("", _STRING.sub("", bounds)))
    for name, labels in _SELECTOR.findall(plain):
        if name not in _WORDS:
            yield name, {label.strip(" =~!") for label in labels.split(",") if label.strip()}
