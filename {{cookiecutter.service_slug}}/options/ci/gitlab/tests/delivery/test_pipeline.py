"""What the pipeline calls exists, and is named once."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PIPELINE: dict[str, Any] = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text(encoding="utf-8"))
KEYWORDS = {"workflow", "stages", "variables"}
JOBS = {name: job for name, job in PIPELINE.items() if name not in KEYWORDS}
TARGETS = {
    target
    for file in ("Makefile", "delivery.mk")
    for target in re.findall(r"(?m)^([a-z-]+):", (ROOT / file).read_text(encoding="utf-8"))
}
ENVIRONMENTS = {folder.name for folder in (ROOT / "environments").iterdir() if folder.is_dir()}


def inherited(name: str, key: str) -> Any:
    """What a job says, or else what it extends."""
    job = JOBS[name]
    return job[key] if key in job or "extends" not in job else inherited(job["extends"], key)


def test_every_target_and_script_is_there() -> None:
    lines = [line for job in JOBS.values() for line in job.get("script", [])]
    called = {target for line in lines for target in re.findall(r"\bmake (?:--silent )?([a-z][a-z-]*)", line)}
    assert called <= TARGETS
    assert all((ROOT / script).exists() for line in lines for script in re.findall(r"scripts/\S+\.\w+", line))


def test_every_job_ends_and_none_is_in_the_way_of_a_rollback() -> None:
    for name in JOBS:
        assert inherited(name, "timeout"), name
        rules = inherited(name, "rules") if name != ".environment" else []
        assert all(re.search(r"\$ROLLBACK|merge_request_event", rule.get("if", "")) for rule in rules), name


def test_what_is_promoted_and_taken_back_are_the_environments() -> None:
    promoted = {job["environment"] for job in JOBS.values() if job.get("extends") == ".promotion"}
    assert promoted == ENVIRONMENTS
    assert {*PIPELINE["variables"]["ROLLBACK"]["options"]} == ENVIRONMENTS | {"none"}
    assert [rule["when"] for rule in JOBS["production"]["rules"]] == ["manual"]


def test_integration_tests_run_on_what_compose_starts() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    started = {service["alias"]: service["name"] for service in JOBS["integration"].get("services", [])}
    assert started == {name: compose[name]["image"] for name in ("database", "broker") if name in compose}


def test_the_pipeline_has_the_uv_and_the_python_of_the_image() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    uv = re.search(r"(?m)^ARG UV_IMAGE=(\S+:[0-9.]+)", dockerfile)
    python = re.search(r"(?m)^ARG PYTHON_IMAGE=\S+:([0-9.]+)-slim-(\w+)", dockerfile)
    assert uv
    assert python
    assert JOBS[".python"]["image"] == f"{uv[1]}-python{python[1]}-{python[2]}"


def test_the_docker_of_a_job_is_of_one_version() -> None:
    (service,) = JOBS[".docker"]["services"]
    assert service["name"].removesuffix("-dind") == JOBS[".docker"]["image"].removesuffix("-cli")
