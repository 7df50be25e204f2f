"""The services of the matrix: few, but every pair of choices that change code."""

from itertools import combinations

from tests.matrix import covering
from tools import options

CHOICES = options.choices()
CODE = [option for option in CHOICES if option not in covering.BESIDE]


def test_the_first_one_is_the_default() -> None:
    first = covering.projects()[0].answers
    assert {option: first[option] for option in CHOICES} == {option: offered[0] for option, offered in CHOICES.items()}


def test_every_pair_of_choices_that_change_code_is_there() -> None:
    for one, other in combinations(CODE, 2):
        made = {(each.answers[one], each.answers[other]) for each in covering.projects()}
        assert made == {(first, second) for first in CHOICES[one] for second in CHOICES[other]}


def test_every_choice_of_the_other_options_is_there_with_each_of_theirs() -> None:
    for option in covering.BESIDE:
        assert {each.answers[option] for each in covering.projects()} == set(CHOICES[option])
    made = {(each.answers["ci"], each.answers["secrets"]) for each in covering.projects()}
    assert made == {(ci, secrets) for ci in CHOICES["ci"] for secrets in CHOICES["secrets"]}


def test_no_service_is_made_that_a_conflict_forbids() -> None:
    for each in covering.projects():
        for conflict in options.model()["_conflicts"]:
            assert not all(each.answers[option] in refused for option, refused in conflict["when"].items())


def test_there_are_few() -> None:
    assert len(covering.projects()) == 15
