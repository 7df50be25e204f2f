"""The rules that keep the parts apart."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def test_the_layers_hold() -> None:
    result = run("from importlinter.cli import lint_imports; raise SystemExit(lint_imports())")
    assert result.returncode == 0, result.stdout + result.stderr


def test_serving_loads_no_schema_tools() -> None:
    result = run("""
import sys
import {{ cookiecutter.package_name }}.bootstrap
import chassis.http.server
print(*{"alembic", "sqlalchemy"} & {*sys.modules})
""")
    assert (result.returncode, result.stdout.split()) == (0, []), result.stdout + result.stderr
