"""A library that only an extra brings is imported only in folders that are named after the extra."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "chassis"
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
# A tool of development as well: it writes rules and dashboards, and services never import it.
FOLDERS = {"testing": {"testing", "observability"}}


def test_an_extra_is_required_only_in_its_own_folder() -> None:
    assert not [
        f"{path} imports what only the extra {' or '.join(sorted(extras))} brings"
        for path, extras in found()
        if all(FOLDERS.get(extra, {extra}).isdisjoint(path.parts) for extra in extras)
    ]


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_is_required_somewhere(extra: str) -> None:
    assert extra in {each for _, extras in found() for each in extras}


@cache
def found() -> list[tuple[Path, frozenset[str]]]:
    """Each file that imports something that extras bring, with those extras."""
    owners: dict[str, frozenset[str]] = {}
    for module, extra in _owners():
        owners[module] = owners.get(module, frozenset()) | {extra}
    return [
        (path.relative_to(SOURCE), owners[name])
        for path in SOURCE.rglob("*.py")
        for module in _imports(path)
        for name in (module, module.rpartition(".")[0])
        if name in owners
    ]


def _owners() -> Iterator[tuple[str, str]]:
    """Each module that an extra brings, with that extra."""
    for extra, requirements in EXTRAS.items():
        for requirement in requirements:
            for file in distribution(re.split(r"[^\w.-]", requirement)[0]).files or ():
                if file.suffix == ".py":
                    yield ".".join(file.with_suffix("").parts).removesuffix(".__init__"), extra


def _imports(path: Path) -> Iterator[str]:
    """The names that a file imports by their whole path."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{name.name}" for name in node.names)
