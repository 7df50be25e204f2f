"""Optimistic concurrency over HTTP: ETag and If-Match (RFC 9110, section 13.1.1)."""

import re
from collections.abc import Collection
from typing import Annotated

from fastapi import Header

_list_of_tags = re.compile(r'\s*(W/)?"[^"]*"(\s*,\s*(W/)?"[^"]*")*\s*')
_tag = re.compile(r'(W/)?"([^"]*)"')
_version = re.compile(r"0|[1-9][0-9]{0,17}")

# The header of a route that changes an aggregate; give it to `expected_versions`.
IfMatch = Annotated[
    str | None,
    Header(max_length=256, description="The ETag you last read, or `*` for any; a change without it is refused"),
]


class PreconditionRequired(Exception):
    """A change came without If-Match (RFC 6585, section 3)."""

    def __init__(self) -> None:
        super().__init__("send If-Match with the ETag you last read, so that no other change is overwritten")


class InvalidPrecondition(Exception):
    """If-Match holds no strong entity tag, so that it could never match: a client that retries would go on for ever."""

    def __init__(self) -> None:
        super().__init__('If-Match must be an ETag as it was received, such as "2"; a weak ETag never matches')


def etag(version: int) -> str:
    """The strong entity tag of a version."""
    return f'"{version}"'


def expected_versions(if_match: str | None) -> Collection[int] | None:
    """The versions that a client accepts; None stands for any (`*`).

    Weak tags in a list never match (strong comparison), nor do foreign ones.

    Raises:
        PreconditionRequired: there is no header.
        InvalidPrecondition: the header is malformed, or all of its tags are weak.
    """
    if if_match is None:
        raise PreconditionRequired
    if if_match.strip() == "*":
        return None
    strong = {tag for weak, tag in _tag.findall(if_match) if not weak}
    if not _list_of_tags.fullmatch(if_match) or not strong:
        raise InvalidPrecondition
    return {int(tag) for tag in strong if _version.fullmatch(tag)}
