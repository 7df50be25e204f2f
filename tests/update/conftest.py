"""The template with its history, services created from it, and fresh ones to compare with."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import baked
from tests.cruft import Contents, contents
from tests.update import newer, templates
from tests.update.service import Service

Answers = dict[str, str]
Create = Callable[[str, Answers], Service]
Fresh = Callable[[Path, Answers], Contents]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> templates.Template:
    """The repository that the services of these tests are created and updated from."""
    return templates.with_history(tmp_path_factory.mktemp("history"), newer.change)


@pytest.fixture(scope="session")
def create(template: templates.Template, tmp_path_factory: pytest.TempPathFactory) -> Create:
    """Creates a service from a commit of the template; tests share it. To change one, `copy` it."""

    @cache
    def created(commit: str, answers: str) -> Service:
        folder = tmp_path_factory.mktemp("created")
        return Service.created(template.path, commit, json.loads(answers), folder)

    return lambda commit, answers: created(commit, json.dumps(answers))


@pytest.fixture(scope="session")
def fresh(cookies_session: Any) -> Fresh:  # noqa: ANN401 - untyped plugin
    """The files of a service that is generated from a folder with a template."""

    @cache
    def generated(template: Path, answers: str) -> Contents:
        return contents(baked.bake(cookies_session, json.loads(answers), template).path)

    return lambda template, answers: generated(template, json.dumps(answers))
