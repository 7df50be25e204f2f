"""A step of a recipe that is forgotten fails a test of the service that needs no server, and the failure names it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.recipes.recipe import Recipe
from tests.recipes.team import Team, case

STORED = "tests/unit/test_storage.py::test_no_statement_forgets_a_field"
MIGRATED = "tests/unit/test_storage.py::test_migrations_lead_to_the_tables"
LISTED = "tests/unit/test_storage.py::test_every_table_is_listed"
COUNTED = "tests/unit/test_operations.py::test_every_event_is_counted"
EVENTS = "tests/contract/test_events.py"
CATALOG = f"{EVENTS}::test_every_event_has_a_schema_with_examples_and_a_reader"
PUBLISHED = f"{EVENTS}::test_every_field_of_an_event_is_published"
HAPPENED = f"{EVENTS}::test_every_event_happens_in_these_tests"


@dataclass(frozen=True)
class Forgotten:
    """A recipe that is not followed to the letter."""

    # What is forgotten, in words.
    name: str
    recipe: str
    # The test that notices, and what it says.
    test: str
    message: str
    # Texts of steps that are left out.
    steps: tuple[str, ...] = ()
    # A text of a step, another text of it, and what is written instead.
    instead: tuple[str, str, str] | None = None
    # Whether the migration is made.
    migrates: bool = True

    def follow(self, recipe: Recipe) -> Recipe:
        """What is done of it."""
        for step in self.steps:
            recipe = recipe.without(step)
        return recipe.instead(*self.instead) if self.instead else recipe


OF_A_FIELD = [
    Forgotten(
        "its column, and it has a default",
        "add-a-field",
        STORED,
        "Order.note is None instead of Note(value='Ring twice'): add its column in INSERT or SELECT",
        steps=("statements.py: @@",),
        instead=("model.py: @@ class Order(", "note: Note | None", "note: Note | None = None"),
    ),
    Forgotten(
        "its column, and it has no default",
        "add-a-field",
        STORED,
        "Order.__init__() missing 1 required keyword-only argument: 'note'",
        steps=("statements.py: @@",),
    ),
    Forgotten(
        "its placeholder in INSERT",
        "add-a-field",
        STORED,
        "8 values for 7 placeholders ($1, $2, $3, $4, $5, $6, $7): name each column once in the statement",
        steps=("statements.py: @@ INSERT",),
    ),
    Forgotten(
        "its value in INSERT",
        "add-a-field",
        STORED,
        "7 values for 8 placeholders ($1, $2, $3, $4, $5, $6, $7, $8): name each column once in the statement",
        steps=("statements.py: @@ def to_row",),
    ),
    Forgotten(
        "UPDATE",
        "add-a-field",
        STORED,
        "Order.note is Note(value='Ring twice') instead of None: add its column in UPDATE",
        steps=("statements.py: @@ UPDATE", "statements.py: @@ def to_update"),
    ),
    Forgotten(
        "the migration",
        "add-a-field",
        MIGRATED,
        "column `orders.note` is defined (note VARCHAR(200)) but no migration adds it: add a revision",
        migrates=False,
    ),
    Forgotten(
        "to pass it on",
        "add-a-field",
        "tests/unit/api",
        "missing 1 required keyword-only argument: 'note'",
        steps=("api/v1/orders.py: @@",),
    ),
    Forgotten(
        "that null clears it",
        "add-a-field",
        "tests/unit/api",
        "'note': 'Ring twice'",
        instead=("use_cases.py: @@ amended", 'if "note" in changes', 'if changes.get("note")'),
    ),
    Forgotten(
        "to change it in the tests of storage",
        "add-a-field",
        STORED,
        "Order.note is not changed by `change`",
        steps=("tests/support/orders.py: @@ def change_every_field",),
    ),
    Forgotten(
        "to send it in the tests of the API",
        "add-a-field",
        "tests/unit/api",
        "tests/support/api.py",
        steps=("tests/support/api.py: @@ AMENDMENT",),
    ),
    Forgotten(
        "the version of the event",
        "add-a-field",
        f"{EVENTS}::test_nothing_breaks_a_reader",
        "order.created.v1.json: changed; raise its minor version",
        steps=("event_schemas.py: @@ SCHEMAS",),
    ),
    Forgotten(
        "that other services read it",
        "add-a-field",
        PUBLISHED,
        'OrderCreated.note is not in CreatedData: add it, or list "OrderCreated.note" in `unpublished`',
        steps=("event_schemas.py: @@",),
    ),
    Forgotten(
        "its value in the event",
        "add-a-field",
        PUBLISHED,
        "OrderAmended.note is set, but the function that fills AmendedData leaves it out: add it there",
        steps=("event_schemas.py: @@ def _details",),
    ),
    Forgotten(
        "to set it in the tests of events",
        "add-a-field",
        PUBLISHED,
        "OrderAmended.note is never set: let OrderAmended happen with `note` in the tests",
        instead=("tests/support/orders.py: @@ def new_order", '= "Ring twice"', "= None"),
    ),
    Forgotten(
        "the example in the event",
        "add-a-field",
        CATALOG,
        "CreatedData.note has no example: give its Field `examples=[...]`",
        instead=("event_schemas.py: @@", ', examples=["Ring twice"]', ""),
    ),
    Forgotten(
        "make contract, for clients",
        "add-a-field",
        "tests/contract/test_openapi.py::test_the_committed_contract_is_up_to_date",
        "the API has changed: run `make contract`, commit it",
    ),
    Forgotten(
        "make contract, for readers of events",
        "add-a-field",
        f"{EVENTS}::test_the_committed_schemas_are_up_to_date",
        "the events have changed: run `make contract`, commit it",
    ),
]
OF_A_STATE = [
    Forgotten(
        "the constraint, because autogenerate does not write it",
        "add-a-state",
        MIGRATED,
        "but defined as `status IN ('created', 'confirmed', 'shipped', 'cancelled')`: add a revision with "
        "op.drop_constraint and op.create_check_constraint; autogenerate may not notice it",
        migrates=False,
    ),
    Forgotten(
        "what the event changes",
        "add-a-state",
        "tests/unit/domain",
        "OrderShipped changes nothing: add a case for it to `apply`",
        steps=("model.py: @@ case",),
    ),
    Forgotten(
        "what the event changes, and the tests of the domain",
        "add-a-state",
        "tests/unit/api",
        "E TypeError: OrderShipped changes nothing: add a case for it to `apply`",
        steps=("model.py: @@ case",),
    ),
    Forgotten(
        "the list of events",
        "add-a-state",
        COUNTED,
        "OrderShipped is not counted: add it to EVENTS in order_service.domain.orders.events",
        steps=("events.py: @@ EVENTS",),
    ),
    Forgotten(
        "the schema of the event",
        "add-a-state",
        CATALOG,
        "OrderShipped has no schema: add EventSchema(OrderShipped, ...) to the service's event catalog",
        steps=("event_schemas.py: @@ SCHEMAS",),
    ),
    Forgotten(
        "the schema of the event, and the tests of contracts",
        "add-a-state",
        "tests/unit/api",
        "E LookupError: OrderShipped has no schema: add EventSchema(OrderShipped, ...) to the service's event catalog",
        steps=("event_schemas.py: @@ SCHEMAS",),
    ),
    Forgotten(
        "to let it happen in the tests",
        "add-a-state",
        HAPPENED,
        "let OrderShipped happen in `every_event` of tests/support",
        steps=("tests/support/orders.py: @@ def every_event",),
    ),
]
OF_AN_AGGREGATE = [
    Forgotten(
        "the list of tables",
        "add-an-aggregate",
        LISTED,
        "table `shipments` of order_service.infrastructure.shipments.tables is not in the service's metadata",
        steps=("schema.py: @@",),
        migrates=False,
    ),
    Forgotten(
        "the migration",
        "add-an-aggregate",
        MIGRATED,
        "table `shipments` is defined but no migration creates it: add a revision with op.create_table",
        migrates=False,
    ),
    Forgotten(
        "the list of events",
        "add-an-aggregate",
        COUNTED,
        "ShipmentPlanned is not counted: add it to EVENTS in order_service.domain.shipments.events, "
        "and EVENTS of a new aggregate to the composition root",
        steps=("bootstrap.py: @@ EVENTS",),
    ),
    Forgotten(
        "the list of schemas",
        "add-an-aggregate",
        CATALOG,
        "ShipmentMoved has no schema: add EventSchema(ShipmentMoved, ...) to the service's event catalog",
        steps=("messages.py: @@ CATALOG",),
    ),
    Forgotten(
        "to let it happen in the tests",
        "add-an-aggregate",
        HAPPENED,
        "`happened` names each aggregate",
        steps=("tests/contract/test_events.py: @@ def happened",),
    ),
]
PERMITTED = "tests/unit/test_permissions.py"
OF_PERMISSIONS = [
    Forgotten(
        "the permission of a route",
        "add-an-aggregate",
        PERMITTED,
        'POST /v1/shipments declares no permission: give it `openapi_extra=requires("...")`',
        instead=("api/v1/shipments.py:", 'openapi_extra=requires("shipments:write"),', ""),
    ),
    Forgotten(
        "that its router checks permissions",
        "add-an-aggregate",
        PERMITTED,
        "in a `PermittedRouter`",
        instead=("api/v1/shipments.py:", "router = PermittedRouter(", "router = APIRouter("),
    ),
    Forgotten(
        "that changes are not reads",
        "add-an-aggregate",
        PERMITTED,
        'POST /v1/shipments asks for shipments:read: give it `openapi_extra=requires("shipments:write")`, or list '
        "it in EXCEPTIONS of test_permissions.py",
        instead=("api/v1/shipments.py:", 'requires("shipments:write")', 'requires("shipments:read")'),
    ),
    Forgotten(
        "the permissions of the tests",
        "add-an-aggregate",
        f"{PERMITTED}::test_the_caller_of_the_tests_may_do_everything",
        "add ['shipments:read', 'shipments:write'] to SCOPE in tests/support/callers.py",
        steps=("tests/support/callers.py: @@ SCOPE",),
    ),
    Forgotten(
        "that a role names a permission which no route asks for",
        "add-an-aggregate",
        f"{PERMITTED}::test_roles_give_permissions_that_exist",
        "no route asks for ['shipments-editor: shipments:move']: remove it from ROLES in api/permissions.py",
        instead=("permissions.py: @@", '"shipments:write"', '"shipments:move"'),
    ),
    Forgotten(
        "who created it",
        "limit-to-the-creator",
        STORED,
        "Order.created_by is None instead of 'alice': add its column in INSERT or SELECT",
        steps=("statements.py: @@",),
        instead=("model.py: @@ class Order(", "created_by: str | None", "created_by: str | None = None"),
    ),
]
OF_A_HANDLER = [
    Forgotten(
        "the backlog",
        "handle-an-event",
        "tests/delivery/test_worker.py::test_the_backlog_of_every_consumer_counts",
        "to k8s/components/worker-scaling/scaledobject.yaml",
        steps=("scaledobject.yaml: @@",),
    ),
    Forgotten(
        "make contract",
        "handle-an-event",
        f"{EVENTS}::test_the_committed_asyncapi_document_is_up_to_date",
        "what is published or consumed has changed: run `make contract`, commit it",
    ),
]
FORGOTTEN = [*OF_A_FIELD, *OF_A_STATE, *OF_AN_AGGREGATE, *OF_PERMISSIONS, *OF_A_HANDLER]


@pytest.fixture(scope="session")
def revisions(
    teams: Callable[[str], Team], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Mapping[Path, str]]:
    """The migrations that a recipe leads to: made once, because that needs a database."""

    @cache
    def of(recipe: str) -> Mapping[Path, str]:
        team = teams("default")
        with team.working(tmp_path_factory.mktemp(recipe)):
            team.follow(team.recipe(recipe).until("make format"))
            new = [team.path / file for file in team.diffstat().new if file.startswith("migrations/")]
            return {file: file.read_text(encoding="utf-8") for file in new}

    return of


@pytest.mark.parametrize(
    ("team", "forgotten"),
    [case("default", "forgotten", each, name=f"{each.recipe}-{each.name}") for each in FORGOTTEN],
    indirect=["team"],
)
def test_a_forgotten_step_is_named(
    team: Team, forgotten: Forgotten, revisions: Callable[[str], Mapping[Path, str]]
) -> None:
    made = revisions(forgotten.recipe) if forgotten.migrates else {}
    recipe = team.recipe(forgotten.recipe).by_hand()
    if any("migrations/" in str(step) for step in recipe.steps):
        recipe = recipe.without("migrations/")
    team.follow(forgotten.follow(recipe))
    for file, text in made.items():
        file.write_text(text, encoding="utf-8")
    said = " ".join(team.fail(f"pytest -q -x --tb=short {forgotten.test}").split())
    assert forgotten.message in said, said
