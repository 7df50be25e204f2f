"""The rules that keep the parts apart."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "{{ cookiecutter.package_name }}"


def imported(module: Path) -> set[str]:
    """Top-level names of what a module imports from outside the package."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter, in the service's folder."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parents[1], check=False)


@pytest.mark.parametrize("module", sorted(PACKAGE.glob("domain/**/*.py")), ids=lambda path: path.stem)
def test_the_domain_imports_nothing_but_the_standard_library(module: Path) -> None:
    assert imported(module) <= sys.stdlib_module_names


def test_the_layers_hold() -> None:
    result = run("-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())")
    assert result.returncode == 0, result.stdout + result.stderr


def test_serving_does_not_load_the_schema_tools() -> None:
    code = """
import sys
import {{ cookiecutter.package_name }}.bootstrap
import {{ cookiecutter.package_name }}.server
print(*{"alembic", "sqlalchemy"} & {*sys.modules})
"""
    result = run("-c", code)
    assert (result.returncode, result.stdout.split()) == (0, [])
