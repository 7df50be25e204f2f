"""The pipeline of each choice of `ci` says nothing wrong, by the tools that judge such files; none of them runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.baked import Bake, Baked
from tests.project import Project
from tools import actionlint, checkov, options

pytestmark = pytest.mark.xdist_group("pipelines")
TOOLS = Path(sys.executable).parent
FRAMEWORKS = {"github": "github_actions", "gitlab": "gitlab_ci"}
# The engine is of 2023: it does not know the runners of today.
OUTDATED = "(runner-label)"
WRONG = "on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    needs: another\n    steps: [{run: ls}]\n"
WORKFLOWS = ".github/workflows"
MISTAKES = [
    ("github", "delivery.mk", "\nsbom:", "\nlist:"),
    ("github", f"{WORKFLOWS}/checks.yml", "make lint", "make lnit"),
    ("github", f"{WORKFLOWS}/checks.yml", "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7"),
    ("github", f"{WORKFLOWS}/delivery.yml", "    timeout-minutes: 30\n", ""),
    ("github", f"{WORKFLOWS}/delivery.yml", "workflows/environment.yml", "workflows/environments.yml"),
    ("github", f"{WORKFLOWS}/environment.yml", "scripts/environments.py", "scripts/environment.py"),
    ("github", f"{WORKFLOWS}/promotion.yml", "[staging, production]", "[staging, prod]"),
    ("github", f"{WORKFLOWS}/rollback.yml", "permissions: {}", "permissions: write-all"),
    ("github", "Dockerfile", "astral-sh/uv:0.13", "astral-sh/uv:0.14"),
    ("gitlab", "delivery.mk", "\nscan:", "\nlook:"),
    ("gitlab", "compose.yaml", "library/postgres:17", "library/postgres:18"),
    ("gitlab", "compose.yaml", "library/rabbitmq:4.2", "library/rabbitmq:4.3"),
    ("gitlab", "Dockerfile", "library/python:3.13", "library/python:3.14"),
    ("gitlab", ".gitlab-ci.yml", "when: manual", "when: on_success"),
    ("gitlab", ".gitlab-ci.yml", "29.5.3-dind", "29.5.2-dind"),
    ("gitlab", ".gitlab-ci.yml", "environment: staging", "environment: test"),
    ("gitlab", ".gitlab-ci.yml", '    - if: $ROLLBACK == "none"', "    - when: always"),
]


@pytest.fixture
def github(bake: Bake) -> Baked:
    """A service that GitHub delivers."""
    return bake(ci="github")


def test_zizmor_finds_nothing_unsafe(github: Baked) -> None:
    github.run(str(TOOLS / "zizmor"), "--offline", "--no-progress", ".")


@pytest.mark.needs("actionlint")
def test_actionlint_finds_nothing_wrong(github: Baked) -> None:
    files = sorted(github.path.glob(".github/workflows/*.yml"))
    assert files
    assert [line for file in files for line in actionlint.findings(file) if not line.endswith(OUTDATED)] == []


@pytest.mark.needs("actionlint")
def test_actionlint_finds_mistakes(tmp_path: Path) -> None:
    workflow = tmp_path / "wrong.yml"
    workflow.write_text(WRONG, encoding="utf-8")
    assert actionlint.findings(workflow)


@pytest.mark.needs("checkov")
@pytest.mark.parametrize(("ci", "framework"), FRAMEWORKS.items())
def test_checkov_finds_nothing_that_is_not_explained(bake: Bake, ci: str, framework: str) -> None:
    assert checkov.findings(bake(ci=ci).path, "dockerfile", framework) == []


@pytest.mark.parametrize("ci", FRAMEWORKS)
def test_the_steps_of_delivery_fit_together(bake: Bake, tmp_path: Path, ci: str) -> None:
    """With a docker that only writes down what it is asked: each step finds what the one before it left."""
    service = bake(ci=ci, image_registry="localhost:5000/team").copy(tmp_path)
    (tmp_path / "docker").write_text(DOCKER, encoding="utf-8")
    (tmp_path / "docker").chmod(0o755)
    path = f"{tmp_path}:/usr/local/bin:/usr/bin:/bin"
    variables = {"PATH": path, "HOME": str(tmp_path), "LOG": str(tmp_path / "log")}
    (service.path / "uv.lock").touch()
    steps = ["image-archive", "sbom", "scan", "login", "publish", "sign", "verify"]
    settings = {"TAG": "0.1.0-abc", "SOURCE": f"https://{ci}.com/team/order", "REGISTRY_USERNAME": "us"}
    for step in steps:
        command = ["make", step, *(f"{name}={value}" for name, value in settings.items())]
        secret = {"REGISTRY_PASSWORD": "out-of-sight"}
        done = subprocess.run(
            command, cwd=service.path, env=variables | secret, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "out-of-sight" not in done.stdout + done.stderr
    asked = (tmp_path / "log").read_text(encoding="utf-8")
    published = f"localhost:5000/team/{service.path.name}@sha256:{'a' * 64}"
    assert [line.split()[-1] for line in asked.splitlines() if "cosign" in line][:-1] == [published] * 3
    assert f"--certificate-identity https://{ci}.com/team/order/" in asked
    assert "out-of-sight" not in asked


@pytest.fixture(scope="module")
def projects(bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """A service for each pipeline, to be broken and mended."""
    return {ci: Project(bake(ci=ci), tmp_path_factory.mktemp(ci)) for ci in FRAMEWORKS}


@pytest.mark.needs(f"Python {options.choices()['python_version'][0]}")
@pytest.mark.parametrize(("ci", "file", "old", "new"), MISTAKES)
def test_a_service_notices_a_mistake_in_its_pipeline(
    projects: dict[str, Project], ci: str, file: str, old: str, new: str
) -> None:
    project = projects[ci]
    path = project.path / file
    sound = path.read_text(encoding="utf-8")
    assert old in sound
    path.write_text(sound.replace(old, new, 1), encoding="utf-8")
    try:
        assert "1 failed" in project.fail("pytest", "-q", "-x", "tests/delivery/test_pipeline.py")
    finally:
        path.write_text(sound, encoding="utf-8")


DOCKER = r"""#!/bin/sh
echo "$*" >> "$LOG"
digest=sha256:$(printf 'a%.0s' $(seq 64))
case "$*" in
    *Provenance*) test -s build/digest && echo '{"buildDefinition": {}}' ;;
    *"imagetools inspect"*) echo "$digest" ;;
    *dest=build/image.tar*) mkdir build/cache.new && echo tar > build/image.tar ;;
    *--metadata-file*) printf '{\n  "containerimage.digest": "%s"\n}\n' "$digest" > build/published.json ;;
    *syft*) test -s build/image.tar && echo '{"bomFormat": "CycloneDX"}' ;;
    *grype*) test -s build/sbom.cdx.json ;;
    *slsaprovenance*) test -s build/provenance.json ;;
    login*) test "$(cat)" = out-of-sight ;;
esac
"""
