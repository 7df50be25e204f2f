"""An aggregate cannot have a name that the service's code already uses: `_reserved_aggregates` knows them all.

So a service is generated for a word that nothing else uses, and every name beside that word in the same scope,
and every table beside its table, is turned back into the aggregate that would collide with it.
"""

import builtins
import json
import keyword
import re
import symtable
from collections.abc import Iterator
from functools import cache

import pytest

from tests.baked import Bake, Baked
from tools import options, rendering

FORMS = re.compile("Zebra|zebras|zebra")
WORDS = re.compile(r"[A-Z][a-z0-9]+( [a-z][a-z0-9]*)*")
LONGEST = 30
# Each choice that brings code.
CODE = [(option, choice) for option in ("database", "broker") for choice in options.choices()[option]]
TABLE = re.compile(r"""(?:create_table|Table)\(\s*"(\w+)"|INTO (\w+)""")


@pytest.mark.parametrize("choice", CODE, ids="=".join)
def test_a_name_that_the_code_uses_itself_is_reserved(bake: Bake, choice: tuple[str, str]) -> None:
    names = {"aggregate": "Zebra", "service_slug": "ox", "service_name": "Ox", "description": "Ox."}
    project = bake(**names, **dict([choice]))
    colliding = {noun for names in namespaces(project) for noun in colliding_nouns(names)}
    forgotten = sorted(colliding - set(options.model()["_reserved_aggregates"]))
    assert not forgotten, f"to be added to _reserved_aggregates: {json.dumps(forgotten)}"


def namespaces(project: Baked) -> Iterator[set[str]]:
    """The names of each scope, and those of all tables."""
    python = [project.read(path) for path in project.own_files if path.endswith(".py")]
    yield {name for text in python for match in TABLE.findall(text) for name in match if name}
    for text in python:
        yield from scopes(symtable.symtable(text, "module", "exec"))


def scopes(scope: symtable.SymbolTable) -> Iterator[set[str]]:
    """What a module, its classes and its functions bind or read, each for itself."""
    yield set(scope.get_identifiers())
    for inner in scope.get_children():
        yield from scopes(inner)


def colliding_nouns(names: set[str]) -> Iterator[str]:
    """The aggregates for which a name made from the aggregate would be one that is there already."""
    made = {name for name in names if FORMS.search(name)}
    for pattern in made:
        before, form, after = re.split(f"({FORMS.pattern})", pattern, maxsplit=1)
        for other in names - made:
            if other.startswith(before) and other.endswith(after) and len(other) > len(before + after):
                yield from nouns(other[len(before) : len(other) - len(after)], form)


@cache
def nouns(word: str, form: str) -> list[str]:
    """The aggregates that have this word as their class (`Zebra`), their plural (`zebras`) or their name (`zebra`)."""
    if form == "Zebra":
        candidates = [" ".join(re.findall("[A-Z][a-z0-9]*", word)).lower()]
    else:
        noun = word.replace("_", " ")
        candidates = [noun] if form == "zebra" else [noun[:-1], noun[:-2], f"{noun[:-3]}y"]
    return [noun for noun in candidates if is_allowed(noun) and forms(noun)[form] == word]


def is_allowed(noun: str) -> bool:
    """Whether nothing else forbids the word anyway."""
    if not WORDS.fullmatch(noun.capitalize()) or len(forms(noun)["Zebra"]) > LONGEST:
        return False
    return not any(keyword.iskeyword(word) or hasattr(builtins, word) for word in forms(noun).values())


@cache
def forms(noun: str) -> dict[str, str]:
    """What the template makes of an aggregate."""
    answers = rendering.answers(aggregate=noun.capitalize())
    return {"Zebra": answers["__Entity"], "zebras": answers["__entities"], "zebra": answers["__entity"]}
