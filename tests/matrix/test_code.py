"""What was generated passes every check that its own `make check` runs, and its own tests."""

from tests.matrix.test_alerts import TEST as ALERTS
from tests.project import Project


def test_lint(generated: Project) -> None:
    generated.run("ruff", "check", ".")


def test_format(generated: Project) -> None:
    generated.run("ruff", "format", "--check", ".")


def test_types(generated: Project) -> None:
    generated.run("mypy")


def test_dependency_rule(generated: Project) -> None:
    generated.run("lint-imports", "--no-cache")


def test_its_own_tests(generated: Project) -> None:
    """Those that need no server; the live tier runs `tests/integration`, and `make chassis` those of the chassis.

    What takes long and is the same in most services is asked of few.
    """
    generated.run("pytest", "-q", "tests/unit", "tests/contract", "tests/delivery", "--deselect", ALERTS)
