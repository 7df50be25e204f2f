"""Edits of a team between two updates: each changes the files of a service in a folder."""

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.recipes.recipe import Recipe

README = "README.md"
DELETED = "docs/runbooks/migration-failed.md"
RENAMED = ("tests/unit/domain/test_orders.py", "tests/unit/domain/test_life_of_orders.py")
REMOVED = "docs/how-to/add-a-query.md"
ADDED = "docs/newer.md"
IDENTITY = "chassis/src/chassis/identity.py"

Edit = Callable[[Path], None]


def nothing(service: Path) -> None:
    """Leave everything as it was generated."""
    del service


def change_the_readme(service: Path) -> None:
    """Write another paragraph."""
    replace(service / README, "The only prerequisite is [uv]", "You need [uv]")


def delete_a_runbook(service: Path) -> None:
    """Delete one that no alert links to."""
    (service / DELETED).unlink()


def rename_a_test(service: Path) -> None:
    """Give a file another name."""
    before, after = RENAMED
    (service / before).rename(service / after)


def document_the_clock(service: Path) -> None:
    """Edit the chassis on the line that the newer template changes too."""
    replace(service / IDENTITY, "The current time in UTC.", "The current time in UTC, of this host.")


def read_another_identity(service: Path) -> None:
    """Edit the chassis on lines that the newer template leaves alone."""
    replace(service / IDENTITY, "    return uuid7()\n", "    identity = uuid7()\n    return identity\n")


def retitle_a_recipe(service: Path) -> None:
    """Edit a document that the newer template removes."""
    replace(service / REMOVED, "# Add an endpoint that only reads", "# Add an endpoint that reads")


def write_the_same_document(service: Path) -> None:
    """Write a document at a path where the newer template adds one."""
    (service / ADDED).write_text("# Ours\n", encoding="utf-8")


def upgrade_dependencies(service: Path) -> None:
    """Move the day of the locked versions, as `make upgrade` does; the newer template moves it as well."""
    file = service / "pyproject.toml"
    day = file.read_text(encoding="utf-8").partition('exclude-newer = "')[2][:10]
    replace(file, f'exclude-newer = "{day}', 'exclude-newer = "2027-01-15')


def replace(file: Path, there: str, instead: str) -> None:
    """Write another text where one stands once."""
    text = file.read_text(encoding="utf-8")
    assert text.count(there) == 1, f"{there!r} is {text.count(there)} times in {file}"
    file.write_text(text.replace(there, instead), encoding="utf-8")


def follow(service: Path, recipe: str) -> None:
    """Edit the files that a recipe edits."""

    def run(line: str) -> str:
        return subprocess.run(["sh", "-ec", line], cwd=service, capture_output=True, text=True, check=True).stdout

    Recipe.read(service / "docs" / "how-to" / f"{recipe}.md").by_hand().apply(service, run)


# These are recipes, with commands; a team with an environment follows all of their steps.
RECIPES = {"a field": "add-a-field", "a second aggregate": "add-an-aggregate"}
EVERY: dict[str, Edit] = {
    "nothing": nothing,
    **{name: partial(follow, recipe=recipe) for name, recipe in RECIPES.items()},
    "a README paragraph": change_the_readme,
    "a deleted runbook": delete_a_runbook,
    "a renamed test": rename_a_test,
}
# The newer template changes other lines of the same files.
BESIDE: dict[str, Edit] = {**EVERY, "the chassis, other lines": read_another_identity}
# The newer template changes the same lines of this file, or adds it.
CONFLICTING: dict[str, tuple[Edit, str]] = {
    "the chassis, same line": (document_the_clock, IDENTITY),
    "make upgrade": (upgrade_dependencies, "pyproject.toml"),
    "a document of the same name": (write_the_same_document, ADDED),
}
