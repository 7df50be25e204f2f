"""What was generated can be built and deployed: image, compose, CI and Kubernetes files say nothing wrong."""

import json
import re
import sys
from pathlib import Path

import pytest
import yaml

from tests import manifests
from tests.project import Project

TOOLS = Path(sys.executable).parent
# A description may make a line long, and the key `on` of a workflow is no truth value.
YAMLLINT = """{
  extends: default,
  rules: {comments: disable, document-start: disable, line-length: disable, truthy: {check-keys: false}}
}"""
ENVIRONMENTS = ["dev", "staging", "production"]
BUILD = """
import json, pathlib, sys
from chassis.testing.manifests import build
print(json.dumps(build(pathlib.Path(sys.argv[1]))))
"""
SCHEMAS = {
    "compose.yaml": "vendor.compose-spec",
    ".github/workflows/*.yml": "vendor.github-workflows",
    ".github/dependabot.yml": "vendor.dependabot",
    ".gitlab-ci.yml": "vendor.gitlab-ci",
    "renovate.json": "vendor.renovate",
}
# What a file has to be freed of before its schema can judge it.
TRANSFORMS = {".gitlab-ci.yml": ["--data-transform", "gitlab-ci"]}


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
            freed = TRANSFORMS.get(pattern, [])
            generated.run(str(TOOLS / "check-jsonschema"), "--builtin-schema", schema, *freed, *files)


@pytest.mark.needs("kubectl")
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_manifests_fit_every_supported_kubernetes(generated: Project, environment: str) -> None:
    rendered = manifests.render(generated.path / "environments" / environment)
    problems = [manifests.schema_problems(each, version) for version in manifests.versions() for each in rendered]
    assert [problem for found in problems for problem in found] == []


def test_objects_of_components_fit_the_newest_kubernetes(generated: Project) -> None:
    """Also of those that no environment takes: each file is looked at by itself."""
    files = [path for path in generated.path.glob("k8s/components/*/*.yaml") if path.name != "kustomization.yaml"]
    objects = [each for path in files for each in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
    assert [problem for each in objects for problem in manifests.schema_problems(each, manifests.versions()[-1])] == []


@pytest.mark.needs("kubectl")
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_manifests_that_a_service_puts_together_are_those_of_kubectl(generated: Project, environment: str) -> None:
    """Its tests do that where kubectl is missing. Names that follow from the content are the one difference."""
    folder = generated.path / "environments" / environment
    built = json.loads(generated.run("python", "-c", BUILD, str(folder)))
    text = re.sub(r"(-config)-[a-z0-9]{10}\b", r"\1", yaml.safe_dump_all(manifests.render(folder)))
    assert sorted(built, key=_key) == sorted(map(_unwrapped, yaml.safe_load_all(text)), key=_key)


def _key(manifest: manifests.Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _unwrapped(manifest: manifests.Manifest) -> manifests.Manifest:
    """kubectl breaks long values of Secrets into lines."""
    if manifest["kind"] == "Secret":
        manifest["data"] = {key: "".join(value.split()) for key, value in manifest["data"].items()}
    return manifest


def test_compose_starts_what_is_needed_in_order(generated: Project) -> None:
    compose = yaml.safe_load((generated.path / "compose.yaml").read_text(encoding="utf-8"))
    services = {name: service for name, service in compose["services"].items() if "profiles" not in service}
    in_file, has_broker = generated.baked.answers["database"] == "sqlite", generated.baked.answers["broker"] != "none"
    expected = {"api", "migrate"} | ({"broker"} if has_broker else set()) | (set() if in_file else {"database"})
    assert {*services} == expected | ({"worker"} if has_broker and not in_file else set())
    for service in services.values():
        for other, waited in service.get("depends_on", {}).items():
            healthy = waited["condition"] == "service_healthy"
            assert not healthy or "test" in services[other]["healthcheck"], f"{other} is never healthy"
    if has_broker:
        worker = services["api" if in_file else "worker"]
        assert worker["command"] == (["serve", "--worker"] if in_file else ["worker"])
        assert {*worker["depends_on"]} == {"migrate", "broker"}
    every = compose["services"].values()
    mounted = {volume.partition(":")[0] for service in every for volume in service.get("volumes", [])}
    assert {volume for volume in mounted if not volume.startswith(".")} == {*compose["volumes"]}
