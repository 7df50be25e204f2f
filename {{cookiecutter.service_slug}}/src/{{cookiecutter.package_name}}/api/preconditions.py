"""Optimistic concurrency over HTTP: ETag and If-Match (RFC 9110, section 13.1.1)."""

import re
from collections.abc import Collection

_list_of_tags = re.compile(r'\s*(W/)?"[^"]*"(\s*,\s*(W/)?"[^"]*")*\s*')
_strong_tag = re.compile(r'(?<!W/)"(0|[1-9]\d{0,17})"')


class PreconditionRequired(Exception):
    """A change came without If-Match (RFC 6585, section 3)."""

    def __init__(self) -> None:
        super().__init__("send If-Match with the ETag you last read, so that nobody's change is overwritten")


def etag(version: int) -> str:
    """The strong entity tag of a version."""
    return f'"{version}"'


def expected_versions(if_match: str | None) -> Collection[int] | None:
    """The versions a caller accepts; None stands for any (`*`).

    Tags that are weak or not of our making match nothing, as the standard asks, nor does what is no list of tags.

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
