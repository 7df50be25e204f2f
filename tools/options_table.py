"""Keeps the table of options in README.md in step with cookiecutter.json."""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools import options

README = options.ROOT / "README.md"
START, END = "<!-- options:start -->", "<!-- options:end -->"
REPAIR = "python -m tools.options_table"


def table(model: dict[str, Any]) -> str:
    """One row per option that people are asked for."""
    rows = [("option", "choices (the first is the default)", "meaning"), ("---", "---", "---"), *_rows(model)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _rows(model: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for option, prompt in model["__prompts__"].items():
        default = model[option]
        if isinstance(default, list):
            yield (
                _code(option),
                "<br>".join(_choice(choice, prompt[choice]) for choice in default),
                prompt["__prompt__"],
            )
        else:
            yield _code(option), _free(default), prompt


def _choice(choice: str, sentence: str) -> str:
    """The sentence of the prompt begins with the choice's name; here the value that is typed stands in its place."""
    _, _, meaning = sentence.partition(" - ")
    return f"{_code(choice)} {_cell(meaning)}"


def _free(default: str) -> str:
    source = re.search(r"cookiecutter\.([a-z]\w+)", default)
    default = re.sub(r"\{\{.*?\}\}", "...", default)
    return f"any; made from {_code(source[1])}" if source else f"any; {_cell(default)}"


def _code(name: str) -> str:
    return f"`{name}`"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def updated(readme: str, model: dict[str, Any]) -> str:
    """The text with a fresh table between its markers."""
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise SystemExit(f"README.md needs the lines {START} and {END}: the table goes between them")
    return f"{before}{START}\n{table(model)}\n{END}{after}"


def main(arguments: list[str], readme: Path = README) -> int:
    """Update the table, or only look whether it is up to date."""
    parser = argparse.ArgumentParser(prog=REPAIR, description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="change nothing; end with 1 if the table is out of date")
    what.add_argument("--print", action="store_true", help="print the table instead")
    asked = parser.parse_args(arguments)
    if asked.print:
        print(table(options.model()))
        return 0
    text = readme.read_text(encoding="utf-8")
    fresh = updated(text, options.model())
    if asked.check and fresh != text:
        print(f"The table of options in {readme.name} is out of date; to repair it: {REPAIR}", file=sys.stderr)
        return 1
    if not asked.check:
        readme.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
