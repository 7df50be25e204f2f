"""The committed contract is what the service serves, and nothing in it breaks a client."""

import json
import os
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from {{ cookiecutter.package_name }}.api.openapi import written
from {{ cookiecutter.package_name }}.bootstrap import create_service_in_memory
from {{ cookiecutter.package_name }}.config import load_settings

from .compatibility import breaking_changes

# CONTRACTS: the folder of another version, which clients may have been built from as well.
FOLDER = Path(os.environ.get("CONTRACTS", Path(__file__).parents[2] / "contracts"))
COMMITTED = json.loads((FOLDER / "openapi.json").read_text())
ITEM = "/v1/{{ cookiecutter.__resource }}/{id}"
DRAFT = "{{ cookiecutter.__Entity }}Draft"
SHOWN = "{{ cookiecutter.__Entity }}Representation"


@pytest.fixture
def served() -> Any:
    """The document as the service gives it out."""
    return json.loads(json.dumps(create_service_in_memory(load_settings()).app.openapi()))


def test_nothing_breaks_a_client(served: Any) -> None:
    changes = breaking_changes(COMMITTED, served)
    assert not changes, "these break clients; a new version beside v1 would not:\n" + "\n".join(changes)


def test_the_committed_contract_is_up_to_date(served: Any) -> None:
    committed = (FOLDER / "openapi.json").read_text()
    assert committed == f"{written(served)}\n", "the API has grown: run `make contract` and commit the result"


def schema(document: Any, name: str = DRAFT) -> Any:
    """A named schema of a document."""
    return document["components"]["schemas"][name]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda new: new["paths"].pop(ITEM), "removed"),
        (lambda new: new["paths"][ITEM]["get"].update(operationId="fetch"), "operationId changed"),
        (lambda new: new["paths"][ITEM]["get"]["responses"].pop("404"), "no longer answers 404"),
        (lambda new: schema(new)["required"].append("price"), "`price` became required"),
        (lambda new: schema(new)["properties"]["quantity"].update(maximum=10), "maximum became 10"),
        (lambda new: schema(new)["properties"]["reference"].update(minLength=3), "minLength became 3"),
        (lambda new: schema(new)["properties"].pop("quantity"), "`quantity` is no longer accepted"),
        (lambda new: schema(new, SHOWN)["properties"].pop("version"), "`version` removed"),
        (lambda new: schema(new, SHOWN)["required"].remove("id"), "`id` may now be missing"),
        (lambda new: schema(new, "Status")["enum"].append("lost"), "may now be ['lost']"),
        (lambda new: schema(new, "Status")["enum"].remove("created"), "no longer accepts ['created']"),
    ],
)
def test_a_change_that_breaks_clients_is_found(change: Callable[[Any], object], finding: str) -> None:
    changed = deepcopy(COMMITTED)
    change(changed)
    assert any(finding in each for each in breaking_changes(COMMITTED, changed))


@pytest.mark.parametrize(
    "change",
    [
        lambda new: new["paths"].update({"/v2/new": {}}),
        lambda new: schema(new)["properties"].update(note={"type": "string"}),
        lambda new: schema(new)["properties"]["quantity"].update(maximum=10**9),
        lambda new: schema(new, SHOWN)["properties"].update(note={"type": "string"}),
    ],
)
def test_a_change_that_only_adds_breaks_nobody(change: Callable[[Any], object]) -> None:
    changed = deepcopy(COMMITTED)
    change(changed)
    assert breaking_changes(COMMITTED, changed) == []
