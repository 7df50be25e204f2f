"""Docstrings name their subject: none begins with `What ...`, `Whoever ...` or `Of ...`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import chassis

SOURCE = Path(chassis.__file__).parent
PUZZLE = re.compile(r"(What|Who|Whoever|Of|Nobody|Somebody)\b")


def docstrings() -> Iterator[tuple[str, str]]:
    """Every docstring, with its file."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield str(path.relative_to(SOURCE)), ast.get_docstring(node) or ""


def test_docstrings_name_their_subject() -> None:
    assert [(file, text) for file, text in docstrings() if PUZZLE.match(text)] == []
