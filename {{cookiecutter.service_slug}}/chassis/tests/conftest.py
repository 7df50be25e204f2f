"""What every test has in common."""

from collections.abc import Iterator

import pytest

from chassis.settings import Section
from chassis.testing.environment import clear_settings


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see the defaults of every setting."""
    clear_settings(monkeypatch, _subclasses(Section))


def _subclasses(section: type[Section]) -> Iterator[type[Section]]:
    for each in section.__subclasses__():
        yield each
        yield from _subclasses(each)
