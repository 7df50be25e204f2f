"""A service that changes a choice, as its document says, is the service that would have been generated with it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.baked import Bake
from tests.recipes.recipe import Recipe
from tests.recipes.team import SETUPS
from tools import options

CRUFT = Path(sys.executable).with_name("cruft")
ANSWERS = re.compile(r"--variables-to-update '(.*)'")
COMMITTER = {f"GIT_{who}_{what}": "team@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def run(*command: str, cwd: Path) -> None:
    """Run a command, which must succeed; `uvx cruft` is the one of the tests' own environment."""
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | COMMITTER, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def commit(folder: Path) -> None:
    """Everything in a folder, as a repository of its own."""
    run("git", "init", "--quiet", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    run("git", "commit", "--quiet", "--message", "all", cwd=folder)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it stands here, uncommitted changes included, as a repository to be cloned."""
    folder = tmp_path_factory.mktemp("template")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=options.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for file in filter(None, listed.stdout.split("\0")):
        if (options.ROOT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(options.ROOT / file, folder / file)
    commit(folder)
    return folder


@pytest.mark.parametrize(
    ("setup", "other"),
    [("default", {}), ("default", {"broker": "kafka", "database": "mysql"}), ("smallest", {})],
    ids=["taken back", "changed", "smallest"],
)
@pytest.mark.xdist_group("recipes-choices")
def test_a_changed_choice_leads_to_the_service_with_that_choice(
    bake: Bake, template: Path, tmp_path: Path, setup: str, other: dict[str, str]
) -> None:
    given = {option: answer for option, answer in SETUPS[setup].items() if option != "service_slug"}
    run(str(CRUFT), "create", str(template), "--no-input", "--extra-context", json.dumps(given), cwd=tmp_path)
    (service,) = tmp_path.iterdir()
    commit(service)
    recipe = Recipe.read(service / "docs" / "how-to" / "change-a-choice.md").until("uv lock")
    (step,) = recipe.steps
    command = str(step).replace("uvx cruft", str(CRUFT))
    answers = other or json.loads(ANSWERS.findall(command)[0])
    run("sh", "-c", ANSWERS.sub(f"--variables-to-update '{json.dumps(answers)}'", command), cwd=service)
    fresh = bake(**given | answers)
    shutil.rmtree(service / ".git")
    (service / ".cruft.json").unlink()
    assert {file.relative_to(service).as_posix() for file in service.rglob("*") if file.is_file()} == fresh.files
    assert [file for file in fresh.files if (service / file).read_bytes() != (fresh.path / file).read_bytes()] == []
