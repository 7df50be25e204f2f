"""The list of mutants fits the template: `make mutants`, which takes minutes, would find out too late."""

import re

import pytest

from tools import mutants, options

LIST = mutants.mutants()
# Where the tests are; those of a service may come from a choice.
ROOTS = {
    "chassis": [options.CHASSIS],
    "template": [options.ROOT],
    "service": [options.TEMPLATE, *options.TEMPLATE.glob("options/*/*")],
}


@pytest.mark.parametrize("mutant", LIST, ids=lambda mutant: re.sub(r"\W+", "-", mutant.name))
def test_a_mutant_still_applies(mutant: mutants.Mutant) -> None:
    content = (options.ROOT / mutant.file).read_text(encoding="utf-8")
    assert mutant.applied(content) != content
    for path in re.findall(r"(?:^|\s)(tests\S*?)(?=::|\s|$)", mutant.tests.arguments):
        assert any((root / path).exists() for root in ROOTS[mutant.tests.runner]), path


def test_names_are_unique() -> None:
    names = [mutant.name for mutant in LIST]
    assert sorted(set(names)) == sorted(names)


def test_answers_are_choices_of_the_template() -> None:
    offered = options.choices()
    for mutant in LIST:
        assert all(choice in offered[option] for option, choice in mutant.tests.answers), mutant.name


@pytest.mark.parametrize("content", ["nothing", "once and once"])
def test_a_text_that_is_not_there_exactly_once_is_refused(content: str) -> None:
    mutant = mutants.Mutant("a mutant", "file", "once", "instead", mutants.Tests("template", "tests"))
    with pytest.raises(ValueError, match=r"a mutant: file holds the text [02] times: 'once'"):
        mutant.applied(content)
