"""What the workflows call exists, and is named once."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted(ROOT.glob(".github/workflows/*.yml"))
TARGETS = {
    target
    for file in ("Makefile", "delivery.mk")
    for target in re.findall(r"(?m)^([a-z-]+):", (ROOT / file).read_text(encoding="utf-8"))
}
ENVIRONMENTS = {folder.name for folder in (ROOT / "environments").iterdir() if folder.is_dir()}
# An action is what a tag named on one day: whoever moves the tag does not get in here.
PINNED = re.compile(r"uses: (\./\S+\.yml|\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+)")


def loaded(file: Path) -> Any:
    """A workflow; its key `on` is a truth value to YAML 1.1, so it is read as text."""
    return yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - the base loader makes text only


def jobs(name: str) -> dict[str, Any]:
    """The jobs of one workflow."""
    found: dict[str, Any] = loaded(ROOT / ".github" / "workflows" / name)["jobs"]
    return found


def offered(name: str) -> list[str]:
    """The environments that somebody who starts a workflow may choose from."""
    inputs = loaded(ROOT / ".github" / "workflows" / name)["on"]["workflow_dispatch"]["inputs"]
    choices: list[str] = inputs["environment"]["options"]
    return choices


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_target_and_script_is_there(file: Path) -> None:
    steps = [step.get("run", "") for job in loaded(file)["jobs"].values() for step in job.get("steps", [])]
    called = {target for step in steps for target in re.findall(r"\bmake (?:--silent )?([a-z][a-z-]*)", step)}
    assert called <= TARGETS
    assert all((ROOT / script).exists() for step in steps for script in re.findall(r"scripts/\S+\.\w+", step))
    assert all((ROOT / job["uses"]).exists() for job in loaded(file)["jobs"].values() if "uses" in job)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_is_pinned_and_every_job_ends(file: Path) -> None:
    used = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if "uses: " in line]
    assert [line for line in used if not PINNED.search(line)] == []
    assert loaded(file)["permissions"] == {}
    for name, job in loaded(file)["jobs"].items():
        assert "uses" in job or "timeout-minutes" in job, name
        assert "permissions" in job, name


def test_what_is_promoted_and_taken_back_are_the_environments() -> None:
    delivered = [job["with"]["environment"] for job in jobs("delivery.yml").values() if "with" in job]
    assert delivered == ["dev", "staging"]
    assert {"dev", *offered("promotion.yml")} == ENVIRONMENTS
    assert {*offered("rollback.yml")} == ENVIRONMENTS


def test_the_pipeline_has_the_uv_of_the_image() -> None:
    steps = [step for file in FILES for job in loaded(file)["jobs"].values() for step in job.get("steps", [])]
    versions = {step["with"]["version"] for step in steps if "setup-uv" in step.get("uses", "")}
    image = re.search(r"(?m)^ARG UV_IMAGE=\S+:([0-9.]+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert image
    assert versions == {image[1]}
