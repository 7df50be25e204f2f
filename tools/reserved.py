"""Keeps the names that an aggregate or a service cannot have in step with the code: `python -m tools.reserved`.

An aggregate gives its name to classes, modules, tables and variables, so it must not be a word that the code uses.
Those are derived: services are generated for a word that nothing else uses, and every name beside that word in the same
scope, every file beside its files and every table beside its table is turned back into the aggregate that would collide
with it. The names of distributions, which no service can have either, are those that the chassis requires.
"""

import argparse
import builtins
import json
import keyword
import re
import symtable
import sys
import tempfile
import textwrap
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from cookiecutter.main import cookiecutter
from cookiecutter.prompt import prompt_for_config

from tools import options

MODEL = options.ROOT / "cookiecutter.json"
REPAIR = "python -m tools.reserved"
WORD = {"aggregate": "Zebra", "service_slug": "ox", "service_name": "Ox", "description": "Ox."}
# The options whose choices bring code.
CODE = ("database", "broker", "auth", "tracing")
FORMS = re.compile("Zebra|zebras|zebra")
NOUN = re.compile(r"[A-Z][a-z0-9]+( [a-z][a-z0-9]*)*")
LONGEST = 30
TABLE = re.compile(r"""(?:create_table|Table)\(\s*"(\w+)"|INTO (\w+)""")
WIDTH = 120
INDENT = "    "
JOINT = "\0"


def lists() -> dict[str, list[str]]:
    """What cookiecutter.json has to hold."""
    return {"_chassis_distributions": options.chassis_distributions(), "_reserved_aggregates": aggregates()}


def aggregates() -> list[str]:
    """The aggregates that would collide with a name of a service, with any choice."""
    with tempfile.TemporaryDirectory() as folder:
        services = [_generate(Path(folder, str(number)), each) for number, each in enumerate(every_choice())]
        return sorted({noun for service in services for names in _namespaces(service) for noun in colliding(names)})


def every_choice() -> list[dict[str, str]]:
    """Answers in as few services as possible: each choice that brings code is in one of them."""
    offered = {option: options.choices()[option] for option in CODE}
    most = max(map(len, offered.values()))
    return [
        {option: choices[min(number, len(choices) - 1)] for option, choices in offered.items()}
        for number in range(most)
    ]


def updated(text: str, wanted: dict[str, list[str]]) -> str:
    """The text of cookiecutter.json with fresh lists."""
    for name, words in wanted.items():
        # A line ends between two words, not within one.
        items = ", ".join(json.dumps(word).replace(" ", JOINT) for word in words)
        lines = textwrap.wrap(items, WIDTH - len(INDENT), break_on_hyphens=False, break_long_words=False)
        wrapped = "\n".join(f"{INDENT}{line}" for line in lines).replace(JOINT, " ")
        before, start, rest = text.partition(f'"{name}": [')
        _, end, after = rest.partition("]")
        if not (start and end):
            raise SystemExit(f'cookiecutter.json needs the list "{name}"')
        text = f"{before}{start}\n{wrapped}\n  {end}{after}"
    return text


def _generate(folder: Path, choices: dict[str, str]) -> Path:
    given = WORD | choices
    return Path(cookiecutter(str(options.ROOT), no_input=True, extra_context=given, output_dir=str(folder)))


def _namespaces(service: Path) -> Iterator[set[str]]:
    """The names of each scope, those of the files of each folder, and those of all tables."""
    own = [path for path in service.rglob("*.py") if path.relative_to(service).parts[0] != "chassis"]
    with_tables = [*own, *(service / "chassis" / "src").rglob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in with_tables]
    yield {name for text in texts for match in TABLE.findall(text) for name in match if name}
    for folder in {parent for path in own for parent in path.parents if parent.is_relative_to(service)}:
        yield {path.stem for path in folder.iterdir()}
    for path in own:
        yield from _scopes(symtable.symtable(path.read_text(encoding="utf-8"), str(path), "exec"))


def _scopes(scope: symtable.SymbolTable) -> Iterator[set[str]]:
    """What a module, its classes and its functions bind or read, each for itself."""
    yield set(scope.get_identifiers())
    for inner in scope.get_children():
        yield from _scopes(inner)


def colliding(names: Iterable[str]) -> Iterator[str]:
    """The aggregates for which a name made from the aggregate would be one that is there already."""
    made = {name for name in names if FORMS.search(name)}
    for pattern in made:
        before, form, after = re.split(f"({FORMS.pattern})", pattern, maxsplit=1)
        for other in set(names) - made:
            if other.startswith(before) and other.endswith(after) and len(other) > len(before + after):
                yield from _nouns(other[len(before) : len(other) - len(after)], form)


@cache
def _nouns(word: str, form: str) -> list[str]:
    """The aggregates that have this word as their class (`Zebra`), their plural (`zebras`) or their name (`zebra`)."""
    if form == "Zebra":
        candidates = [" ".join(re.findall("[A-Z][a-z0-9]*", word)).lower()]
    elif form == "zebras" and not word.endswith("s"):
        candidates = []
    else:
        noun = word.replace("_", " ")
        candidates = [noun] if form == "zebra" else [noun[:-1], noun[:-2], f"{noun[:-3]}y"]
    return [noun for noun in candidates if _is_allowed(noun) and _forms(noun)[form] == word]


def _is_allowed(noun: str) -> bool:
    """Whether nothing else forbids the word anyway."""
    if not NOUN.fullmatch(noun.capitalize()) or len(_forms(noun)["Zebra"]) > LONGEST:
        return False
    return not any(keyword.iskeyword(word) or hasattr(builtins, word) for word in _forms(noun).values())


@cache
def _forms(noun: str) -> dict[str, str]:
    """What the template makes of an aggregate."""
    declared = options.model()
    made_from = {name: declared[name] for name in ("__noun", "__nouns", "__Entity", "__entity", "__entities")}
    answers = prompt_for_config({"cookiecutter": {"aggregate": noun.capitalize(), **made_from}}, no_input=True)
    return {"Zebra": answers["__Entity"], "zebras": answers["__entities"], "zebra": answers["__entity"]}


def main(arguments: list[str]) -> int:
    """Write the lists, or only look whether they are up to date."""
    parser = argparse.ArgumentParser(prog=REPAIR, description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; end with 1 if a list is out of date")
    asked = parser.parse_args(arguments)
    text = MODEL.read_text(encoding="utf-8")
    fresh = updated(text, lists())
    if asked.check and fresh != text:
        print(f"The reserved names in {MODEL.name} are out of date; to repair them: {REPAIR}", file=sys.stderr)
        return 1
    if not asked.check:
        MODEL.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
