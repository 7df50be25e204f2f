"""A service that changes a choice, as its document says, is the service that would have been generated with it."""

import json
import re
from pathlib import Path

import pytest

from tests import cruft
from tests.baked import Bake
from tests.recipes.recipe import Recipe
from tests.recipes.team import SETUPS
from tools import options

ANSWERS = re.compile(r"--variables-to-update '(.*)'")
TEXTS = {
    "service_name": "Purchases",
    "team": "Delivery Team",
    "description": "Buys.",
    "image_registry": "registry.example.org",
}


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it stands here, uncommitted changes included, as a repository to be cloned."""
    folder = tmp_path_factory.mktemp("template")
    cruft.working_tree(folder)
    cruft.commit(folder)
    return folder


def created(template: Path, folder: Path, answers: dict[str, str]) -> Path:
    """A service of its own repository."""
    cruft.cruft("create", str(template), "--no-input", "--extra-context", json.dumps(answers), cwd=folder)
    (service,) = folder.iterdir()
    cruft.commit(service)
    return service


def documented(service: Path) -> str:
    """The command that the document names."""
    (step,) = Recipe.read(service / "docs" / "how-to" / "change-a-choice.md").until("uv lock").steps
    return str(step).replace("uvx cruft", str(cruft.CRUFT))


def change(service: Path, command: str, answers: dict[str, str]) -> None:
    """Run it with these answers, and commit."""
    cruft.run("sh", "-c", ANSWERS.sub(f"--variables-to-update '{json.dumps(answers)}'", command), cwd=service)
    cruft.commit(service)


@pytest.mark.parametrize("setup", ["default", "smallest"])
@pytest.mark.xdist_group("recipes-choices")
def test_the_choice_that_the_document_names_leads_to_the_service_with_that_choice(
    bake: Bake, template: Path, tmp_path: Path, setup: str
) -> None:
    given = {option: answer for option, answer in SETUPS[setup].items() if option != "service_slug"}
    service = created(template, tmp_path, given)
    command = documented(service)
    answers = json.loads(ANSWERS.findall(command)[0])
    change(service, command, answers)
    assert cruft.contents(service) == cruft.contents(bake(**given | answers).path)


@pytest.mark.xdist_group("recipes-choices-chain")
def test_every_choice_can_be_taken_and_left_again(bake: Bake, template: Path, tmp_path: Path) -> None:
    """All options change in each step, so the longest list of choices sets the number of updates."""
    offered = options.choices()
    service = created(template, tmp_path, {})
    command = documented(service)
    for step in [*range(1, max(map(len, offered.values()))), 0]:
        answers = {option: choices[step % len(choices)] for option, choices in offered.items()}
        answers |= {option: TEXTS[option] if step % 2 else value for option, value in texts(bake).items()}
        change(service, command, answers)
        fresh = bake(**answers | {"service_slug": "order-service", "package_name": "order_service"})
        assert cruft.contents(service) == cruft.contents(fresh.path), answers


def texts(bake: Bake) -> dict[str, str]:
    """The default of each option that takes any text, beside the names."""
    return {option: str(bake().answers[option]) for option in TEXTS}
