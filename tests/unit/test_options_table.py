"""The table of options in README.md comes from cookiecutter.json."""

from pathlib import Path

import pytest

from tools import options_table

MODEL = {
    "name": "Order Service",
    "store": ["sqlite", "postgresql"],
    "slug": "{{ cookiecutter.name | lower }}",
    "__prompts__": {
        "name": "What is it called?",
        "store": {
            "__prompt__": "Where is the data?",
            "postgresql": "PostgreSQL - a server | many",
            "sqlite": "SQLite - one file",
        },
        "slug": "Its name in URLs",
    },
}
TABLE = r"""
| option | choices (the first is the default) | meaning |
| --- | --- | --- |
| `name` | any; Order Service | What is it called? |
| `store` | `sqlite` one file<br>`postgresql` a server \| many | Where is the data? |
| `slug` | any; made from `name` | Its name in URLs |
""".strip()


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    file = tmp_path / "README.md"
    file.write_text(f"# Title\n\n{options_table.START}\nold\n{options_table.END}\n\nMore.\n", encoding="utf-8")
    return file


def test_the_table_says_what_the_model_says() -> None:
    assert options_table.table(MODEL) == TABLE


def test_only_the_table_is_replaced(readme: Path) -> None:
    text = options_table.updated(readme.read_text(encoding="utf-8"), MODEL)
    assert text == f"# Title\n\n{options_table.START}\n{TABLE}\n{options_table.END}\n\nMore.\n"


def test_check_notices_a_stale_table_and_says_how_to_repair_it(
    readme: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = readme.read_text(encoding="utf-8")
    assert options_table.main(["--check"], readme) == 1
    assert "python -m tools.options_table" in capsys.readouterr().err
    assert readme.read_text(encoding="utf-8") == before
    assert options_table.main([], readme) == 0
    assert options_table.main(["--check"], readme) == 0


def test_markers_that_are_missing_are_named(readme: Path) -> None:
    readme.write_text("# Title\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="options:start"):
        options_table.main([], readme)


def test_the_table_in_the_readme_is_up_to_date() -> None:
    assert options_table.main(["--check"]) == 0
