"""Central files have slots, options fill them: no central file names an option's fragment."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import options, rendering

OPTIONS = options.TEMPLATE / "options"
SLOT = re.compile(r"\bslot\(\"([^\"]+)\"")
IMPORT = 'from "slots.jinja" import slot with context'
FRAGMENTS = {
    "options/database/mysql/fragments/x": "mysql\n",
    "options/database/server/fragments/x": "server {{ environment }}\n",
    "options/database/sqlite/fragments/x": "sqlite\n",
    "options/broker/none/fragments/x": "none\n",
    "options/broker/nats/fragments/x": "nats\n",
    "options/broker/messaging/fragments/x": '{%- from "slots.jinja" import slot with context -%}\n({{ slot("y") }})\n',
    "options/broker/nats/fragments/y": "inner",
    "options/settings/server/fragments/x": "settings\n",
}


def template_files() -> Iterator[tuple[Path, str]]:
    """Every file that cookiecutter renders."""
    for path in options.TEMPLATE.rglob("*"):
        if path.is_file() and options.CHASSIS not in path.parents:
            yield path.relative_to(options.TEMPLATE), path.read_text(encoding="utf-8")


def test_every_fragment_fills_a_slot_and_every_slot_can_be_filled() -> None:
    slots = {name for _, text in template_files() for name in SLOT.findall(text)}
    assert slots == {
        path.relative_to(folder).as_posix()
        for folder in OPTIONS.glob("*/*/fragments")
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_no_file_includes_a_fragment_but_through_a_slot() -> None:
    assert [path for path, text in template_files() if re.search(r"\{%-?\s*include", text)] == []


def test_a_file_with_slots_imports_them_in_its_first_line() -> None:
    with_slots = [(path, text) for path, text in template_files() if SLOT.search(text)]
    assert with_slots
    assert [path for path, text in with_slots if IMPORT not in text.splitlines()[0]] == []


@pytest.mark.parametrize(
    ("answers", "slot", "expected"),
    [
        ({"database": "mysql", "broker": "none"}, 'slot("x")', "mysql\nserver \nnone\nsettings\n"),
        ({"database": "mysql", "broker": "none"}, 'slot("x", base_first=true)', "server \nmysql\nnone\nsettings\n"),
        (
            {"database": "mysql", "broker": "none"},
            'slot("x", environment="dev")',
            "mysql\nserver dev\nnone\nsettings\n",
        ),
        ({"database": "sqlite", "broker": "nats"}, 'slot("x")', "sqlite\nnats\n(inner)\nsettings\n"),
        ({"database": "sqlite", "broker": "none"}, 'slot("x")', "sqlite\nnone\n"),
        ({"database": "sqlite", "broker": "none"}, 'slot("z")', ""),
    ],
)
def test_a_slot_takes_what_the_answers_choose(
    tmp_path: Path, answers: dict[str, str], slot: str, expected: str
) -> None:
    for name, content in FRAGMENTS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    layers = {
        "database/server": {"database": ["mysql"]},
        "broker/messaging": {"broker": ["!none"]},
        "settings/server": [{"database": ["mysql"]}, {"broker": ["!none"]}],
    }
    text = f"{{%- {IMPORT} -%}}\n{{{{ {slot} }}}}"
    assert rendering.text(text, {"cookiecutter": answers | {"_layers": layers}}, folder=tmp_path) == expected
