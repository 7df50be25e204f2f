"""Names of any allowed length give code that the service's own formatter and linter accept."""

import sys

import pytest

from tests.baked import Bake
from tools import reserved

SHORTEST = {"service_name": "Ox", "aggregate": "Ox", "service_slug": "ox", "package_name": "ox"}
LONGEST = {
    "service_name": "Outbound Warehouse Replenishment Service of the Northern and the Southern Region",
    "aggregate": "Outbound Warehouse Replenishment",
    "service_slug": "outbound-warehouse-replenishment-service",
    "package_name": "outbound_warehouse_replenishment_service",
}


@pytest.mark.parametrize("choices", reserved.every_choice(), ids=lambda choices: "-".join(choices.values()))
@pytest.mark.parametrize("names", [SHORTEST, LONGEST], ids=["shortest", "longest"])
def test_a_service_is_formatted_and_linted_whatever_its_names(
    bake: Bake, names: dict[str, str], choices: dict[str, str]
) -> None:
    project = bake(**names, **choices)
    # The chassis has no names in it; `make chassis` checks it.
    ruff = (sys.executable, "-m", "ruff")
    project.run(*ruff, "format", "--no-cache", "--exclude", "chassis", "--check", "--diff", ".")
    project.run(*ruff, "check", "--no-cache", "--exclude", "chassis", ".")


def test_the_longest_names_are_the_longest() -> None:
    assert {option: len(name) for option, name in LONGEST.items()} == {
        "service_name": 80,
        "aggregate": 32,
        "service_slug": 40,
        "package_name": 40,
    }
    assert len(LONGEST["aggregate"].replace(" ", "")) == 30
