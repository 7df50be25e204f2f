"""What was generated passes every check that its own `make check` runs, and its own tests."""

from tests.project import Project


def test_lint(generated: Project) -> None:
    generated.run("ruff", "check", ".")


def test_format(generated: Project) -> None:
    generated.run("ruff", "format", "--check", ".")


def test_types(generated: Project) -> None:
    generated.run("mypy", "--strict")


def test_dependency_rule(generated: Project) -> None:
    generated.run("lint-imports")


def test_its_own_tests(generated: Project) -> None:
    # The live tier runs `tests/integration`, with every database and every broker.
    generated.run("pytest", "-q", "tests/unit", "tests/contract", "tests/alerts")
