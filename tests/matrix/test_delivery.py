"""What was generated can be built and deployed: image, compose, CI and Kubernetes files say nothing wrong."""

import sys
from pathlib import Path

import pytest

from tests import manifests
from tests.project import Project

TOOLS = Path(sys.executable).parent
# A description may make a line long, and the key `on` of a workflow is no truth value.
YAMLLINT = """{
  extends: default,
  rules: {comments: disable, document-start: disable, line-length: disable, truthy: {check-keys: false}}
}"""
SCHEMAS = {"compose.yaml": "vendor.compose-spec", ".github/workflows/*.y*ml": "vendor.github-workflows"}


def test_dockerfile(generated: Project) -> None:
    generated.run(str(TOOLS / "hadolint"), "Dockerfile")


def test_shell_scripts(generated: Project) -> None:
    if scripts := [str(file) for file in generated.path.glob("scripts/*.sh")]:
        generated.run(str(TOOLS / "shellcheck"), "--external-sources", "--enable=check-unassigned-uppercase", *scripts)


def test_yaml_style(generated: Project) -> None:
    generated.run(str(TOOLS / "yamllint"), "--strict", "-d", YAMLLINT, ".")


def test_schemas(generated: Project) -> None:
    for pattern, schema in SCHEMAS.items():
        if files := [str(file) for file in generated.path.glob(pattern)]:
            generated.run(str(TOOLS / "check-jsonschema"), "--builtin-schema", schema, *files)


@pytest.mark.needs("kubectl")
@pytest.mark.parametrize("environment", ["dev", "staging", "production"])
def test_manifests(generated: Project, environment: str) -> None:
    secrets = {f"Secret/{generated.slug}-secrets"}
    assert not manifests.problems(manifests.render(generated.path / "environments" / environment), provided=secrets)
