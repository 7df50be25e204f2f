"""A file of a service is traced to the template, and an edit of it to the tests nearest to it."""

from pathlib import Path

import pytest

from tests.baked import Bake
from tools import affected, rendering, where
from tools.sources import Sources, has_tags

TEMPLATE = "{{cookiecutter.service_slug}}"


@pytest.mark.parametrize("choices", [{}, {"database": "sqlite", "broker": "none", "tracing": "none", "ci": "gitlab"}])
def test_every_file_of_a_service_has_a_source_and_those_without_tags_are_the_same(
    bake: Bake, choices: dict[str, str]
) -> None:
    service, sources = bake(**choices), Sources(rendering.answers(**choices))
    assert {path for path in sources.files if not path.startswith("chassis/")} == service.own_files
    for path in service.own_files:
        source = sources.files[path]
        assert has_tags(source) or source.read_bytes() == (service.path / path).read_bytes(), path


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["k8s/deployment.yaml"], f"{TEMPLATE}/options/database/server/fragments/deployment-pod.yaml"),
        (["build/dev/order-service/slo.yaml"], f"slo.yaml comes from {TEMPLATE}/slo.yaml"),
        (["k8s/persistentvolumeclaim.yaml"], "is there with database=sqlite"),
        (["docs/topology.md", "broker=nats"], f"{TEMPLATE}/options/broker/nats/docs/topology.md"),
        (["contracts/openapi.json"], "written by a tool, not edited: python -m tools.contract"),
        (["chassis/pyproject.toml"], "the chassis is copied as it is"),
    ],
)
def test_it_says_where_a_file_comes_from(capsys: pytest.CaptureFixture[str], asked: list[str], expected: str) -> None:
    assert where.main(asked) == 0
    assert expected in capsys.readouterr().out


def test_a_file_that_no_choice_brings_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert where.main(["docs/nowhere.md"]) == 1
    assert "no choice brings a file docs/nowhere.md" in capsys.readouterr().out
    assert where.main([]) == 2


@pytest.mark.parametrize(
    ("edited", "expected"),
    [
        ("src/ox/model.py", ["tests/unit/test_model.py"]),
        ("src/ox/values.py", ["tests/unit/test_model.py"]),
        ("tests/unit/test_model.py", ["tests/unit/test_model.py"]),
        ("k8s/service.yaml", ["tests/unit/test_manifests.py"]),
        ("README.md", ["tests/unit"]),
        ("chassis/src/chassis/paging.py", ["chassis/tests/test_paging.py"]),
        ("chassis/README.md", []),
    ],
)
def test_the_nearest_tests_run(tmp_path: Path, edited: str, expected: list[str]) -> None:
    for name, text in {
        "src/ox/__init__.py": "",
        "src/ox/values.py": "",
        "src/ox/model.py": "from .values import Value\n",
        "tests/unit/test_model.py": "from ox.model import Model\n",
        "tests/integration/test_all.py": "import ox.values\n",
        "tests/unit/test_manifests.py": "",
        "chassis/src/chassis/paging.py": "",
        "chassis/tests/test_paging.py": "from chassis import paging\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert affected.tests(tmp_path, edited) == expected
