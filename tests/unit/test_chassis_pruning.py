"""The hook removes from the chassis what was not chosen, and everything that developing it in place left behind."""

import json
import shutil
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.baked import Bake, Baked, bake
from tools import options, rendering

MODEL = options.model()
CHASSIS = options.ROOT / "{{cookiecutter.service_slug}}" / "chassis"
# Written by hand: for each answer, names that nothing in the chassis may have, and folders that must exist.
GONE: dict[tuple[str, str], tuple[set[str], set[str]]] = {
    ("database", "postgresql"): ({"mysql", "sqlite"}, {"src/chassis/database/postgresql"}),
    ("database", "mysql"): ({"postgresql", "sqlite"}, {"src/chassis/database/mysql"}),
    ("database", "sqlite"): ({"postgresql", "mysql"}, {"src/chassis/database/sqlite"}),
    ("broker", "rabbitmq"): ({"kafka", "nats", "redis"}, {"src/chassis/messaging/brokers/rabbitmq"}),
    ("broker", "kafka"): ({"rabbitmq", "nats", "redis"}, {"src/chassis/messaging/brokers/kafka"}),
    ("broker", "nats"): ({"rabbitmq", "kafka", "redis"}, {"src/chassis/messaging/brokers/nats"}),
    ("broker", "redis"): ({"rabbitmq", "kafka", "nats"}, {"src/chassis/messaging/brokers/redis"}),
    ("broker", "none"): (
        {"rabbitmq", "kafka", "nats", "redis", "messaging", "brokers"},
        {"src/chassis/database/memory"},
    ),
    ("tracing", "otlp"): (set(), {"src/chassis/telemetry/otlp"}),
    ("tracing", "none"): ({"otlp"}, {"src/chassis/telemetry"}),
}
EXTRAS = {"postgresql", "mysql", "sqlite", "rabbitmq", "kafka", "nats", "redis", "otlp"}

# A chassis in small, with one of everything that the hook looks at.
SMALL = {
    "pyproject.toml": "a\n# choice: mysql\nb\n# end\n    # without: messaging\n    c\n    # end\nd\n",
    "README.md": "A\n<!-- choice: sqlite mysql -->\nB\n<!-- end -->\nC\n",
    "docs/database/mysql.md": "m\n",
    "docs/database/sqlite.md": "s\n",
    "docs/messaging.md": "m\n",
    "src/chassis/database/mysql/__init__.py": "",
    "src/chassis/database/sqlite/__init__.py": "",
    "src/chassis/database/sqlite/mysql.py": "a module that happens to have this name\n",
    "src/chassis/messaging/storage/mysql/tables.py": "t\n",
    "src/chassis/messaging/brokers/nats/broker.py": "n\n",
    "src/chassis/messaging/port.py": "p\n",
    "src/chassis/testing/messaging.py": "t\n",
    "tests/database/mysql/test_it.py": "t\n",
    "tests/sample/mysql.py": "no home of choices\n",
}
TRACES = {
    ".venv/lib/python3.13/site-packages/x.py": "x\n",
    "uv.lock": "version = 1\n",
    ".hypothesis/examples/0": "x\n",
    ".import_linter_cache/x": "x\n",
    ".ruff_cache/x": "x\n",
    "src/.mypy_cache/x.json": "{}\n",
    "src/chassis/__pycache__/x.pyc": "\udcff",
    "src/service_chassis.egg-info/PKG-INFO": "x\n",
    "tests/.pytest_cache/x": "x\n",
}
CHOICES = {
    "database": {"homes": ["database", "messaging/storage"], "choices": ["mysql", "sqlite"]},
    "broker": {"homes": ["messaging/brokers"], "choices": ["nats"], "whole": {"none": ["messaging"]}},
}

Prune = Callable[..., int]


@pytest.fixture
def prune(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prune:
    """Writes files into `chassis/` and runs the hook beside it."""
    monkeypatch.chdir(tmp_path)

    def run(files: Mapping[str, str], database: str = "sqlite", broker: str = "nats") -> int:
        write(Path("chassis"), files)
        answers = {"service_slug": "ox", "database": database, "broker": broker, "_layers": {}, "_chassis": CHOICES}
        code = rendering.hook("post_gen_project", answers).main()
        assert isinstance(code, int)
        return code

    return run


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files, with the folders that they need."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode(errors="surrogateescape"))


def tree(folder: Path) -> dict[str, bytes]:
    """Every file, and every empty folder."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {
        name: path.read_bytes() if path.is_file() else b"(folder)"
        for name, path in paths.items()
        if path.is_file() or not any(path.iterdir())
    }


def texts(folder: Path = Path("chassis")) -> dict[str, str]:
    """The same as text."""
    return {name: content.decode(errors="surrogateescape") for name, content in tree(folder).items()}


def test_the_choices_of_the_chassis_are_those_of_the_options() -> None:
    for option, declared in MODEL["_chassis"].items():
        assert declared["choices"] == [choice for choice in options.choices()[option] if choice != "none"]
        assert set(declared.get("whole", {})) <= {"none"}
    extras = tomllib.loads((CHASSIS / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(extras) - {"testing"} == {name for each in MODEL["_chassis"].values() for name in each["choices"]}


def test_the_distributions_that_the_chassis_requires_are_repeated_for_the_hook() -> None:
    required = options.chassis_distributions()
    assert MODEL["_chassis_distributions"] == required, f"_chassis_distributions should be {json.dumps(required)}"


@pytest.mark.parametrize("answer", GONE, ids="=".join)
def test_a_generated_chassis_has_what_was_chosen_and_nothing_else(bake: Bake, answer: tuple[str, str]) -> None:
    project = bake(**dict([answer]))
    gone, present = GONE[answer]
    paths = [Path(path).relative_to("chassis") for path in project.files if path.startswith("chassis/")]
    names = {name for path in paths for name in (*path.parts[:-1], path.stem)}
    assert names & gone == set()
    assert {folder for folder in present if (project.path / "chassis" / folder).is_dir()} == present
    assert set(extras_of(project)) & EXTRAS & gone == set()
    assert [path for path in project.files if "# choice:" in project.read(path)] == []


def test_a_generated_chassis_declares_the_extras_that_were_chosen(bake: Bake) -> None:
    assert set(extras_of(bake())) == {"postgresql", "rabbitmq", "otlp", "testing"}
    assert set(extras_of(bake(database="sqlite", broker="none", tracing="none"))) == {"sqlite", "testing"}


def extras_of(project: Baked) -> dict[str, list[str]]:
    """What the chassis of a service can be asked for."""
    found: dict[str, list[str]]
    found = tomllib.loads(project.read("chassis/pyproject.toml"))["project"]["optional-dependencies"]
    return found


def test_folders_files_and_blocks_of_other_choices_go(prune: Prune) -> None:
    assert prune(SMALL) == 0
    assert texts() == {
        "pyproject.toml": "a\n    c\nd\n",
        "README.md": "A\nB\nC\n",
        "docs/database/sqlite.md": "s\n",
        "docs/messaging.md": "m\n",
        "src/chassis/database/sqlite/__init__.py": "",
        "src/chassis/database/sqlite/mysql.py": "a module that happens to have this name\n",
        "src/chassis/messaging/brokers/nats/broker.py": "n\n",
        "src/chassis/messaging/port.py": "p\n",
        "src/chassis/testing/messaging.py": "t\n",
        "tests/sample/mysql.py": "no home of choices\n",
    }


def test_a_package_goes_whole_with_the_answer_that_has_no_use_for_it(prune: Prune) -> None:
    assert prune(SMALL, database="mysql", broker="none") == 0
    assert texts() == {
        "pyproject.toml": "a\nb\nd\n",
        "README.md": "A\nB\nC\n",
        "docs/database/mysql.md": "m\n",
        "src/chassis/database/mysql/__init__.py": "",
        "tests/database/mysql/test_it.py": "t\n",
        "tests/sample/mysql.py": "no home of choices\n",
    }


def test_traces_of_development_go(prune: Prune, tmp_path: Path) -> None:
    assert prune(SMALL) == 0
    clean = texts()
    shutil.rmtree(tmp_path / "chassis")
    assert prune(SMALL | TRACES) == 0
    assert texts() == clean


def test_it_can_run_again(prune: Prune) -> None:
    assert prune(SMALL) == 0
    once = texts()
    assert prune({}) == 0
    assert texts() == once


def test_a_service_whose_chassis_has_left_is_left_alone(prune: Prune, tmp_path: Path) -> None:
    (tmp_path / "README.md").touch()
    assert prune({}) == 0
    assert texts(tmp_path) == {"README.md": ""}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("# choice: mysqll\n# end\n", "chassis/x.toml:1 names no declared choice: # choice: mysqll"),
        ("a\n# choice: mysql\n", "chassis/x.toml ends within a block"),
        ("a\n# end\n", "chassis/x.toml:2 ends a block that does not begin"),
    ],
)
def test_a_mistake_in_the_blocks_is_reported_and_nothing_is_removed(
    prune: Prune, capsys: pytest.CaptureFixture[str], content: str, complaint: str
) -> None:
    files = SMALL | {"x.toml": content}
    assert prune(files) == 1
    assert complaint in capsys.readouterr().err
    assert texts() == files


def test_a_used_working_copy_generates_the_same_service_as_a_clean_one(cookies: Any, tmp_path: Path) -> None:  # noqa: ANN401 - untyped plugin
    clean = copy_of_the_template(tmp_path / "clean")
    used = Path(shutil.copytree(clean, tmp_path / "used"))
    write(used / CHASSIS.relative_to(options.ROOT), TRACES)
    assert tree(bake(cookies, {}, used).path) == tree(bake(cookies, {}, clean).path)


def copy_of_the_template(to: Path) -> Path:
    """As `git clone` would make it."""
    ignore = shutil.ignore_patterns(".git", ".cache", "build", *rendering.hook("post_gen_project", {}).TRACES)
    return Path(shutil.copytree(options.ROOT, to, ignore=ignore))
