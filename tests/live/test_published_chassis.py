"""The chassis can leave: published whole, with the service's folder deleted, and no import changed."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.baked import Bake
from tests.live.published import DOCUMENT, Detached, publish
from tools import options

SMALLEST = {"database": "sqlite", "broker": "none", "tracing": "none"}
EXAMPLES = {"default": dict[str, str](), "smallest": SMALLEST}
# Without those that only give files to promtool, which takes longer than all others together.
TESTS = ("tests/unit", "tests/contract", "tests/delivery", "-k", "not promtool")

pytestmark = pytest.mark.needs(f"Python {options.choices()['python_version'][0]}")


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(f"published-{name}")) for name in EXAMPLES],
)
def service(request: pytest.FixtureRequest, bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> Detached:
    """A service that did what the document says."""
    folder = tmp_path_factory.mktemp(f"published-{request.param}")
    return Detached(bake(**EXAMPLES[request.param]), folder, publish(folder))


def test_the_document_lists_every_line_that_names_the_folder(service: Detached) -> None:
    changed = {change.file for change in service.changes}
    code, documents = {".cruft.json", ".dockerignore", "Dockerfile", "pyproject.toml"}, {"README.md", "docs/chassis.md"}
    assert changed == code | documents, DOCUMENT
    assert json.loads((service.path / ".cruft.json").read_text(encoding="utf-8"))["skip"] == ["chassis"]
    image = (service.path / "Dockerfile").read_text(encoding="utf-8")
    assert "chassis" not in image + (service.path / ".dockerignore").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", image, re.MULTILINE)
    sources = {source for each in copied for source in each.split()} - {"uv.lock"}
    assert not [source for source in sources if not (service.path / source).exists()]


def test_the_whole_chassis_is_installed_but_only_what_the_chosen_extras_require(service: Detached) -> None:
    packages = service.environment.site_packages
    choices = dict(_adapters())
    assert all((packages / "chassis" / home / choice).is_dir() for choice, home in choices.items())
    installed = {options.distribution(path.name.split("-")[0]) for path in packages.glob("*.dist-info")}
    chosen = set(options.chassis_extras(dict(service.baked.answers)))
    for choice, distributions in _requirements().items():
        assert (distributions <= installed) == (choice in chosen), choice


def test_its_own_tests_pass(service: Detached, tmp_path: Path) -> None:
    # A folder of its own for their files: pytest tidies the common one up, from several processes at once.
    service.run("pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path}", *TESTS)


def test_its_style_types_and_layers_are_in_order(service: Detached) -> None:
    service.run("ruff", "check")
    service.run("ruff", "format", "--check")
    service.run("mypy")
    service.run("lint-imports", "--no-cache")


def _adapters() -> list[tuple[str, str]]:
    """Each choice of the chassis, and the first of the folders in which its code lies."""
    first = {"database": "database", "broker": "messaging/brokers", "auth": "auth", "tracing": "telemetry"}
    declared = options.model()["_chassis"]
    return [(choice, first[option]) for option, each in declared.items() for choice in each["choices"]]


def _requirements() -> dict[str, set[str]]:
    """The distributions that each choice requires."""
    project = tomllib.loads((options.CHASSIS / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return {choice: {options.distribution(each) for each in extras[choice]} for choice, _ in _adapters()}
