"""Each recipe of a service, applied as it stands in its documents, leads to a service that passes all of its checks."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live import brokers
from tests.recipes.team import Team, case
from tests.report import MEASURED

OF_EVERY_SERVICE = ("add-a-field", "add-a-state", "add-an-aggregate", "add-a-query")
CASES = [
    *(("default", recipe) for recipe in (*OF_EVERY_SERVICE, "handle-an-event", "limit-to-the-creator")),
    *(("mysql", recipe) for recipe in ("add-a-field", "limit-to-the-creator")),
]
# Existing files that a second aggregate may touch: with access tokens also the table of roles and what tests may do.
EDITED_FOR_AN_AGGREGATE = 8
ON_THE_REAL_DATABASE = "pytest -q tests/integration -k '(Storage or Pages or migrat or autogenerate) and not random'"
# Those that the service adds to the chassis' suite, whatever its newest revision is.
BACKUPS_OF_THE_SERVICE = "pytest -q tests/integration/test_backup.py -k 'not TestBackup'"
SECOND_AGGREGATE = Path(__file__).parent / "within" / "second_aggregate.py"


@pytest.mark.parametrize(
    ("team", "recipe"),
    [case(setup, f"{setup}-{recipe}", recipe, name=recipe) for setup, recipe in CASES],
    indirect=["team"],
)
def test_a_service_passes_its_checks_afterwards(
    team: Team, recipe: str, record_property: Callable[[str, object], None]
) -> None:
    team.follow(team.recipe(recipe))
    stat = team.diffstat()
    record_property(MEASURED, f"{recipe}, {team.setup}: {stat}")
    assert recipe != "add-an-aggregate" or len(stat.edited) <= EDITED_FOR_AN_AGGREGATE, stat.edited
    team.run(ON_THE_REAL_DATABASE)


@pytest.mark.parametrize("team", [case("smallest", "smallest", name="all")], indirect=True)
def test_recipes_can_follow_one_another(team: Team, record_property: Callable[[str, object], None]) -> None:
    for name in OF_EVERY_SERVICE:
        team.follow(team.recipe(name).without("make format"))
        team.run("make format")
        record_property(MEASURED, f"{name}, {team.setup}: {team.diffstat()}")
        team.commit()
    team.run("make contract slo check")
    team.run(ON_THE_REAL_DATABASE)
    team.run(BACKUPS_OF_THE_SERVICE)


@pytest.mark.parametrize("team", [case("default", "aggregate", name="aggregate")], indirect=True)
def test_a_second_aggregate_is_counted_traced_documented_routed_and_recorded_under_its_own_name(team: Team) -> None:
    team.follow(team.recipe("add-an-aggregate").until("make format"))
    team.run("make contract")
    with brokers.EVERY["rabbitmq"].reached(team.project) as settings:
        printed = team.run(f"python {SECOND_AGGREGATE} {team.project.package} order_id", **settings)
    found = json.loads(printed.splitlines()[-1])  # after what is logged
    prefix = f"{team.project.slug}.shipment"
    assert {'shipment_events_total{action="planned"} 1.0', 'shipment_events_total{action="moved"} 1.0'} <= set(
        found["metrics"]
    )
    assert found["history"] == [["shipment", f"{prefix}.planned", 1], ["shipment", f"{prefix}.moved", 2]]
    assert found["routed"] == [f"{prefix}.planned", f"{prefix}.moved"]
    assert {"POST /v1/shipments", "INSERT shipments", f"create {prefix}", f"send {prefix}"} <= set(found["spans"])
    documented = json.loads((team.path / "contracts" / "asyncapi.json").read_text(encoding="utf-8"))
    assert prefix in json.dumps(documented["channels"])
