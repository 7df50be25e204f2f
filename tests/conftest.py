"""What every tier generates its projects with."""

from functools import cache
from typing import Any

import pytest

from tests import baked


@pytest.fixture(scope="session")
def bake(cookies_session: Any) -> baked.Bake:  # noqa: ANN401 - untyped plugin
    """Bakes a project; the same answers give the same project, so tests share it. To change one, `copy` it."""

    @cache
    def once(**answers: object) -> baked.Baked:
        return baked.bake(cookies_session, answers)

    return once
