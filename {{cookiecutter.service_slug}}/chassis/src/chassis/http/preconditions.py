"""Optimistic concurrency over HTTP: ETag and If-Match (RFC 9110, section 13.1.1)."""

import re
from collections.abc import Collection
from typing import Annotated

from fastapi import Header

_list_of_tags = re.compile(r'\s*(W/)?"[^"]*"(\s*,\s*(W/)?"[^"]*")*\s*')
_strong_tag = re.compile(r'(?<!W/)"(0|[1-9]\d{0,17})"')

# The header of a route that changes an aggregate; give it to `expected_versions`.
IfMatch = Annotated[
    str | None,
    Header(max_length=256, description="The ETag you last read, or `*` for any; a change without it is refused"),
]


class PreconditionRequired(Exception):
    """A change came without If-Match (RFC 6585, section 3)."""

    def __init__(self) -> None:
        super().__init__("send If-Match with the ETag you last read, so that no other change is overwritten")


def etag(version: int) -> str:
    """The strong entity tag of a version."""
    return f'"{version}"'


def expected_versions(if_match: str | None) -> Collection[int] | None:
    """The versions that a client accepts; None stands for any (`*`).

    Weak, foreign or malformed tags never match.

    Raises:
        PreconditionRequired: there is no header.
    """
    if if_match is None:
        raise PreconditionRequired
    if if_match.strip() == "*":
        return None
    if not _list_of_tags.fullmatch(if_match):
        return set()
    return {int(tag) for tag in _strong_tag.findall(if_match)}
