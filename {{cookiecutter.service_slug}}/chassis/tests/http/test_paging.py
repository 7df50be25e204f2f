"""Cursors."""

from uuid import UUID

import pytest

from chassis.domain import InvalidValue
from chassis.http.paging import decode_cursor, encode_cursor
from chassis.identity import new_id


def test_a_cursor_leads_back_to_its_id() -> None:
    id = new_id()
    assert decode_cursor(encode_cursor(id)) == id
    assert decode_cursor(None) is None


@pytest.mark.parametrize("cursor", ["", "!", "QUFB", "Ü", encode_cursor(UUID(int=7)) + "AA"])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidValue, match="was not issued by this list"):
        decode_cursor(cursor)
