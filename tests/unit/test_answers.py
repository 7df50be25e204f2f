"""The hook that refuses answers: what it lets through, what not, and what it says."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.baked import Bake, Refused
from tools import options, rendering

Problems = Callable[..., Sequence[str]]

GOOD = [
    {},
    {"service_name": "Ox", "aggregate": "Ox"},
    {"service_name": "Zahlungs-Dienst für Süd 東京 🚚", "service_slug": "zahlung"},
    {"service_name": "x" * 80, "service_slug": "x2", "team": "T" * 80, "description": "d" * 300},
    {"service_slug": "a" * 40},
    {"package_name": "p" * 40},
    {"description": 'Two lines\nand a\ttab, "quoted" and it\'s C:\\new'},
    {"team": "\u05e9\u05dc\u05d5\u05dd \u200f\u05d0"},
    {"aggregate": "Stock Item"},
    {"aggregate": "Purchase order"},
    {"aggregate": "order"},
    {"aggregate": "PurchaseOrder"},
    {"aggregate": "purchase_order"},
    {"aggregate": "Outbound Warehouse Replenishment"},
    {"aggregate": "License"},
    {"aggregate": "Credit"},
    {"image_registry": "localhost"},
    {"image_registry": "registry:5000"},
    {"image_registry": "ghcr.io/acme/shop_2"},
    {"image_registry": "registry.example.com:443/a-b/c.d"},
]

# The option that is complained about, the bad answer, and a word of the complaint.
BAD = [
    ("service_name", "", "empty"),
    ("service_name", " \n\u00a0", "empty"),
    ("service_name", "x" * 81, "81 characters"),
    ("description", "x" * 301, "301 characters"),
    ("team", "x" * 81, "81 characters"),
    ("team", "a\x00b", "U+0000"),
    ("team", "a\x1b[31mb", "U+001B"),
    ("team", "a\x7f", "U+007F"),
    ("team", "a\u0085b", "U+0085"),
    ("description", "a\u2028b", "U+2028"),
    ("description", "a\u2029b", "U+2029"),
    ("description", "\ufeffa", "U+FEFF"),
    ("description", "a\ufffe", "U+FFFE"),
    ("description", "a\uffff", "U+FFFF"),
    ("description", "a\ud800", "U+D800"),
    ("description", "user\u202enimda", "U+202E"),
    ("description", "a\u2066b", "U+2066"),
    ("service_slug", "", "hyphens"),
    ("service_slug", "Bad Slug!", "hyphens"),
    ("service_slug", "order_service", "hyphens"),
    ("service_slug", "order--service", "hyphens"),
    ("service_slug", "order-", "hyphens"),
    ("service_slug", "-order", "hyphens"),
    ("service_slug", "2nd-order", "hyphens"),
    ("service_slug", "yes", "YAML"),
    ("service_slug", "null", "YAML"),
    ("service_slug", "ördner", "hyphens"),
    ("service_slug", "a/b", "hyphens"),
    ("service_slug", "../order", "hyphens"),
    ("service_slug", ".", "hyphens"),
    ("service_slug", "order\n", "hyphens"),
    ("service_slug", "a" * 41, "41 characters"),
    ("service_slug", "x", "1 characters"),
    ("service_slug", "python", "needs"),
    ("service_slug", "pydantic-settings", "needs"),
    ("service_slug", "chassis", "needs"),
    ("service_slug", "service-chassis", "needs"),
    ("package_name", "Order", "underscores"),
    ("package_name", "order-service", "underscores"),
    ("package_name", "order__service", "underscores"),
    ("package_name", "_order", "underscores"),
    ("package_name", "2nd", "underscores"),
    ("package_name", "p" * 41, "41 characters"),
    ("package_name", "class", "keyword"),
    ("package_name", "match", "keyword"),
    ("package_name", "json", "standard library"),
    ("package_name", "yaml", "hide another package"),
    ("package_name", "pydantic_settings", "hide another package"),
    ("package_name", "importlinter", "hide another package"),
    ("package_name", "psycopg", "hide another package"),
    ("package_name", "aiosqlite", "hide another package"),
    ("package_name", "starlette", "hide another package"),
    ("package_name", "nats", "hide another package"),
    ("package_name", "redis", "hide another package"),
    ("package_name", "tests", "hide another package"),
    ("package_name", "chassis", "hide another package"),
    ("package_name", "service_chassis", "hide another package"),
    ("package_name", "k8s", "hide another package"),
    ("aggregate", "", "beginning with a letter"),
    ("aggregate", " _", "beginning with a letter"),
    ("aggregate", "X", "beginning with a letter"),
    ("aggregate", "Größe", "beginning with a letter"),
    ("aggregate", "Order2 3d", "beginning with a letter"),
    ("aggregate", "Order/Line", "beginning with a letter"),
    ("aggregate", "TimeoutError", "Python"),
    ("aggregate", "idempotency_key", "own code"),
    ("aggregate", "Outbound Warehouse Replenishments", "31 characters"),
    ("aggregate", "Class", "Python"),
    ("aggregate", "Timeout Error", "Python"),
    ("aggregate", "Var", "Python"),
    ("aggregate", "Value", "table 'values'"),
    ("aggregate", "Group", "table 'groups'"),
    ("aggregate", "Page", "own code"),
    ("aggregate", "Clock", "own code"),
    ("aggregate", "Quantity", "own code"),
    ("image_registry", "", "host[:port]"),
    ("image_registry", "https://registry.example.com", "scheme"),
    ("image_registry", "registry.example.com/", "slash"),
    ("image_registry", "Registry.example.com", "lower case"),
    ("image_registry", "registry.example.com/Shop", "lower case"),
    ("image_registry", "registry.example.com:70000", "port"),
    ("image_registry", "registry.example.com:", "host[:port]"),
    ("image_registry", "registry .example.com", "host[:port]"),
    ("image_registry", "acme", "Docker Hub"),
    ("image_registry", "a." * 100 + "example", "characters"),
    ("database", "oracle", "postgresql, mysql, sqlite"),
    ("python_version", "2.7", "3.13"),
    ("license", "", "MIT"),
]


@pytest.fixture
def problems() -> Problems:
    """What the hook says about answers; those given may also be ones that cookiecutter itself would not let pass."""

    def ask(**given: object) -> Sequence[str]:
        texts = {option: answer for option, answer in given.items() if option not in options.choices()}
        answers = rendering.answers(**texts) | given
        return list(rendering.hook("pre_gen_project", answers, options.choices()).problems())

    return ask


@pytest.mark.parametrize("answers", GOOD)
def test_good_answers_pass(problems: Problems, answers: dict[str, str]) -> None:
    assert problems(**answers) == []


@pytest.mark.parametrize(
    ("aggregate", "noun", "class_name"),
    [
        ("Purchase Order", "purchase order", "PurchaseOrder"),
        ("purchase order", "purchase order", "PurchaseOrder"),
        (" Purchase  Order ", "purchase order", "PurchaseOrder"),
        ("PurchaseOrder", "purchase order", "PurchaseOrder"),
        ("purchaseOrder", "purchase order", "PurchaseOrder"),
        ("purchase_order", "purchase order", "PurchaseOrder"),
        ("purchase-order", "purchase order", "PurchaseOrder"),
        ("Order2Line", "order2 line", "Order2Line"),
        ("SKU", "sku", "Sku"),
    ],
)
def test_an_aggregate_is_understood_however_it_is_written(aggregate: str, noun: str, class_name: str) -> None:
    answers = rendering.answers(aggregate=aggregate)
    assert (answers["__noun"], answers["__Entity"]) == (noun, class_name)
    assert answers["__entity"] == noun.replace(" ", "_")


@pytest.mark.parametrize(("option", "answer", "why"), BAD)
def test_a_bad_answer_gets_one_line_with_the_reason_and_an_example(
    problems: Problems, option: str, answer: str, why: str
) -> None:
    found = [line for line in problems(**{option: answer}) if line.startswith(f"{option}: ")]
    assert len(found) == 1
    assert why in found[0]
    assert "\n" not in found[0]
    assert found[0].isprintable()
    assert "; for example: " in found[0]


def test_every_example_is_an_answer_that_works(problems: Problems) -> None:
    hook = rendering.hook("pre_gen_project", rendering.answers())
    assert problems(**{option: example for option, (_, example) in hook.RULES.items()}) == []


def test_every_option_is_a_choice_or_has_a_rule() -> None:
    hook = rendering.hook("pre_gen_project", rendering.answers())
    public = {option for option in options.model() if not option.startswith("_")}
    assert set(hook.RULES) == public - set(options.choices())


@pytest.mark.parametrize("answer", [True, None, 3.12, ["sqlite"], {"a": "b"}])
def test_an_answer_that_is_no_text_is_refused(answer: Any) -> None:  # noqa: ANN401 - that is the point
    answers = rendering.answers() | {"image_registry": answer, "database": answer}
    found = list(rendering.hook("pre_gen_project", answers, options.choices()).problems())
    assert [line.split(":")[0] for line in found] == ["database", "image_registry"]


def test_without_the_declared_choices_everything_else_is_still_checked() -> None:
    """cruft does not hand them over (it has checked them itself), a replay hands over the recorded answers instead."""
    answers = rendering.answers(team="")
    for declared in (None, {"database": "postgresql"}):
        (line,) = rendering.hook("pre_gen_project", answers, declared).problems()
        assert line.startswith("team: is empty")


def test_a_conflict_is_told_with_its_reason_and_a_way_out() -> None:
    conflict = {"when": {"database": ["sqlite"], "broker": ["kafka", "nats"]}, "reason": "they do not mix"}
    declared = {"database": ["sqlite", "postgresql"], "broker": ["kafka", "nats", "none"]}

    def told(**choices: str) -> list[str]:
        answers = rendering.answers() | {"_conflicts": [conflict]} | choices
        return list(rendering.hook("pre_gen_project", answers, declared).problems())

    assert told(database="sqlite", broker="none") == []
    assert told(database="postgresql", broker="kafka") == []
    assert told(database="sqlite", broker="nats") == [
        "broker=nats with database=sqlite: they do not mix; for example: broker=none"
    ]


@pytest.mark.parametrize("secrets", ["sealed-secrets", "external-secrets"])
def test_a_service_without_secrets_cannot_choose_who_makes_them(bake: Bake, secrets: str) -> None:
    with pytest.raises(Refused) as refused:
        bake(secrets=secrets, database="sqlite", broker="none")
    assert "has no secret" in refused.value.lines[0]


def test_all_problems_are_told_at_once(bake: Bake) -> None:
    with pytest.raises(Refused) as refused:
        bake(service_slug="Bad Slug!", team="", aggregate="Größe", package_name="json")
    assert [line.split(":")[0] for line in refused.value.lines] == ["aggregate", "package_name", "service_slug", "team"]


@pytest.mark.parametrize("option", options.choices())
def test_cookiecutter_refuses_an_undeclared_choice_by_itself(bake: Bake, option: str) -> None:
    with pytest.raises(Refused, match=f"cobol provided for choice variable {option}"):
        bake(**{option: "cobol"})
