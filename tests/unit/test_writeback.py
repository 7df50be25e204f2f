"""An edit of a generated file goes back to the template if, and only if, the template then gives just that edit."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import options, rendering, writeback
from tools.sources import Sources

Edit = Callable[..., dict[str, str]]
CENTRAL = """\
{%- from "slots.jinja" import slot with context -%}
# {{ cookiecutter.__title }}

Takes {{ cookiecutter.__nouns }} and keeps them.
{{ slot("notes.md") }}
{% for name in ["a", "b"] %}- item {{ name }}
{% endfor %}
{%- if cookiecutter.broker != "none" %}
It publishes {{ cookiecutter.__nouns }}.
{%- endif %}
The end.
"""
FRAGMENT = "\nIts data is in {{ cookiecutter.package_name }}.sqlite3.\nOne file.\n"
SHARED = "\nIts schema is migrated.\n"
RENDERED = """\
# Order Service

Takes orders and keeps them.

Its data is in order_service.sqlite3.
One file.

Its schema is migrated.

- item a
- item b

It publishes orders.
The end.
"""


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edit:
    """Edits what a small template gives, and answers the template files that change."""
    root, template = options.ROOT, tmp_path / "{{cookiecutter.service_slug}}"
    answers = rendering.answers(database="sqlite")
    for name, value in {"ROOT": tmp_path, "TEMPLATE": template, "CHASSIS": template / "chassis"}.items():
        monkeypatch.setattr(options, name, value)
    monkeypatch.setattr("tools.sources.OPTIONS", template / "options")
    for name, text in {
        "README.md": CENTRAL,
        "options/database/sqlite/fragments/notes.md": FRAGMENT,
        "options/database/sql/fragments/notes.md": SHARED,
        "options/ci/github/.github/workflows/checks.yml": "run: ${{ matrix.x }}\n",
        "plain.txt": "one\ntwo\n",
        "chassis/pyproject.toml": "a\n# choice: sqlite\nb\n# end\n# choice: mysql\nc\n# end\nd\n",
    }.items():
        (template / name).parent.mkdir(parents=True, exist_ok=True)
        (template / name).write_text(text, encoding="utf-8")
    for name in ("cookiecutter.json", "hooks", "templates"):
        (tmp_path / name).symlink_to(root / name)

    def run(old: str, new: str, file: str = "README.md") -> dict[str, str]:
        sources = Sources(answers)
        source = sources.files[file]
        before = writeback.way(source, sources).render({})
        assert old in before
        changed = writeback.changes(source, sources, before.replace(old, new, 1))
        return {path.relative_to(template).as_posix(): text for path, text in changed.items()}

    return run


def test_the_template_of_these_tests_gives_what_they_expect(edit: Edit) -> None:
    assert edit(RENDERED, RENDERED) == {}


@pytest.mark.parametrize(
    ("old", "new", "template"),
    [
        ("keeps them", "never loses them", ("keeps them", "never loses them")),
        ("Takes orders", "Accepts orders", ("Takes {{", "Accepts {{")),
        ("The end.\n", "The very end.\nReally.\n", ("The end.\n", "The very end.\nReally.\n")),
        ("# Order", "## Order", ("# {{", "## {{")),
        ("publishes", "tells of", ("publishes", "tells of")),
        ("orders and keeps", "orders, and keeps", ("}} and keeps", "}}, and keeps")),
        ("\nThe end.", "", ("\nThe end.", "")),
    ],
)
def test_an_edit_of_literal_text_goes_into_the_file(edit: Edit, old: str, new: str, template: tuple[str, str]) -> None:
    assert edit(old, new) == {"README.md": CENTRAL.replace(*template, 1)}


def test_an_edit_of_a_fragment_goes_into_the_fragment(edit: Edit) -> None:
    changed = edit("One file.\n", "One file, no server.\nNo port.\n")
    assert changed == {
        "options/database/sqlite/fragments/notes.md": FRAGMENT.replace(
            "One file.\n", "One file, no server.\nNo port.\n"
        )
    }


def test_an_edit_beside_a_tag_of_a_fragment_leaves_the_tag(edit: Edit) -> None:
    changed = edit("order_service.sqlite3", "order_service.db")
    assert changed == {"options/database/sqlite/fragments/notes.md": FRAGMENT.replace(".sqlite3", ".db")}


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("# Order Service", "# Shop Service", 2),
        ("Takes orders", "Takes things", 4),
        ("- item a", "- thing a", 6),
        ("keeps them", "keeps {{ them }}", 4),
        ("keeps them", "keeps {% them", 4),
    ],
)
def test_what_a_tag_makes_is_refused_with_file_and_line(edit: Edit, old: str, new: str, line: int) -> None:
    with pytest.raises(writeback.Refused) as refused:
        edit(old, new)
    assert str(refused.value).startswith("{{cookiecutter.service_slug}}/README.md:" + f"{line}: ")


def test_a_file_without_tags_takes_everything_that_renders_as_it_stands(edit: Edit) -> None:
    assert edit("two\n", "three\nfour", "plain.txt") == {"plain.txt": "one\nthree\nfour"}
    assert edit("one\ntwo\n", "", "plain.txt") == {"plain.txt": ""}
    with pytest.raises(writeback.Refused):
        edit("two", "{{ two }}", "plain.txt")


def test_a_file_that_is_copied_may_have_tags_of_others(edit: Edit) -> None:
    file = ".github/workflows/checks.yml"
    changed = edit("matrix.x", "matrix.y", file)
    assert changed == {f"options/ci/github/{file}": "run: ${{ matrix.y }}\n"}


def test_an_edit_of_the_chassis_keeps_the_blocks_of_other_choices(edit: Edit) -> None:
    changed = edit("b\n", "b\nb2\n", "chassis/pyproject.toml")
    assert changed == {"chassis/pyproject.toml": "a\n# choice: sqlite\nb\nb2\n# end\n# choice: mysql\nc\n# end\nd\n"}
