"""The hook that lays the chosen folders over the base."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.baked import Bake
from tools import rendering

ANSWERS = {
    "service_slug": "order-service",
    "database": "sqlite",
    "broker": "none",
    "_chassis": {},
    "_layers": {
        "database/sql": {"database": ["postgresql", "sqlite"]},
        "database/server": {"database": ["postgresql"]},
        "broker/outbox": {"broker": ["!none"], "database": ["sqlite"]},
        "settings/server": [{"database": ["postgresql"]}, {"broker": ["redis"]}],
    },
}
DECLARED = {"database": ["sqlite", "postgresql"], "broker": ["none", "nats", "redis"]}
PROJECT = {
    "README.md": "base",
    "src/main.py": "base",
    "options/database/sqlite/src/adapter.py": "sqlite",
    "options/database/sqlite/fragments/README.md": "for the base to include",
    "options/database/sqlite/docs/fragments/kept.md": "a folder of the service that happens to have this name",
    "options/database/postgresql/src/adapter.py": "postgresql",
    "options/database/sql/migrations/first.py": "sql",
    "options/database/server/k8s/secret.yaml": "server",
    "options/broker/nats/src/nats.py": "nats",
    "options/broker/outbox/src/outbox.py": "outbox",
    "options/settings/server/src/address.py": "address",
}

Lay = Callable[..., int]


@pytest.fixture
def lay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lay:
    """Writes files into a project and runs the hook there."""
    project = tmp_path / "order-service"
    project.mkdir()
    monkeypatch.chdir(project)

    def run(files: Mapping[str, str], declared: Mapping[str, object] | None = DECLARED, **choices: str) -> int:
        for name, content in files.items():
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        code = rendering.hook("post_gen_project", ANSWERS | choices, declared).main()
        assert isinstance(code, int)
        return code

    return run


def tree(folder: Path = Path()) -> dict[str, str]:
    """Every file and every empty folder below this one."""
    return dict(_entries(folder))


def _entries(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8", errors="surrogateescape")
        elif not any(path.iterdir()):
            yield path.relative_to(folder).as_posix(), "(empty)"


def test_the_chosen_folders_and_the_layers_that_hold_are_laid_and_nothing_else_stays(lay: Lay) -> None:
    assert lay(PROJECT) == 0
    assert tree() == {
        "README.md": "base",
        "src/main.py": "base",
        "src/adapter.py": "sqlite",
        "docs/fragments/kept.md": "a folder of the service that happens to have this name",
        "migrations/first.py": "sql",
    }


@pytest.mark.parametrize(
    ("choices", "brought"),
    [
        ({"database": "postgresql"}, {"k8s/secret.yaml", "migrations/first.py", "src/adapter.py", "src/address.py"}),
        ({"database": "postgresql", "broker": "nats"}, {"src/nats.py", "k8s/secret.yaml", "src/address.py"}),
        ({"database": "sqlite", "broker": "nats"}, {"src/nats.py", "src/outbox.py"}),
        ({"database": "sqlite", "broker": "redis"}, {"src/outbox.py", "src/address.py"}),
        ({"database": "sqlite", "broker": "none"}, {"src/adapter.py"}),
    ],
)
def test_a_layer_is_laid_when_all_of_a_condition_holds(lay: Lay, choices: dict[str, str], brought: set[str]) -> None:
    assert lay(PROJECT, **choices) == 0
    assert brought <= set(tree())
    layers = {"src/outbox.py", "src/address.py"}
    assert layers & set(tree()) == layers & brought


def test_an_executable_file_stays_executable(lay: Lay) -> None:
    script = "options/database/sqlite/bin/backup"
    Path(script).parent.mkdir(parents=True)
    Path(script).touch(mode=0o755)
    assert lay({}) == 0
    assert os.access("bin/backup", os.X_OK)


@pytest.mark.parametrize(
    ("mistake", "complaint"),
    [
        ({"options/database/sqlite/README.md": "sqlite"}, "would overwrite README.md"),
        ({"options/database/sql/src/adapter.py": "sql"}, "only one of them"),
        ({"options/database/sql/src/adapter.py": "sqlite"}, "only one of them"),
        ({"options/database/sqlite/README.md/x": "sqlite"}, "README.md to be a folder"),
        ({"options/database/sql/src/adapter.py/x": "sql"}, "adapter.py to be a folder"),
        ({"options/database/sqlight/a": ""}, "options/database/sqlight names no declared choice"),
        ({"options/databse/sqlite/a": ""}, "options/databse/sqlite names no declared choice"),
        ({"options/_layers/sqlite/a": ""}, "options/_layers/sqlite names no declared choice"),
        ({"options/README.md": ""}, "options/README.md belongs to no choice"),
        ({"options/database/README.md": ""}, "options/database/README.md belongs to no choice"),
    ],
)
def test_a_mistake_in_the_folders_is_told_and_nothing_is_laid(
    lay: Lay, capsys: pytest.CaptureFixture[str], mistake: dict[str, str], complaint: str
) -> None:
    assert lay(PROJECT | mistake) == 1
    assert complaint in capsys.readouterr().err
    assert tree() == PROJECT | mistake


def test_without_the_declared_choices_an_unknown_option_is_still_a_mistake(lay: Lay) -> None:
    """cruft does not hand them over."""
    assert lay({"options/databse/sqlite/a": ""}, declared=None) == 1


def test_without_the_declared_choices_the_folders_are_laid(lay: Lay) -> None:
    assert lay(PROJECT, declared=None) == 0
    assert tree()["src/adapter.py"] == "sqlite"


def test_it_can_run_again(lay: Lay) -> None:
    assert lay(PROJECT) == 0
    once = tree()
    assert lay({}) == 0
    assert tree() == once


def test_a_project_can_be_generated_over_itself(lay: Lay) -> None:
    assert lay(PROJECT) == 0
    once = tree()
    assert lay(PROJECT) == 0
    assert tree() == once


def test_what_the_owner_has_changed_is_not_overwritten(lay: Lay, capsys: pytest.CaptureFixture[str]) -> None:
    assert lay(PROJECT) == 0
    assert lay(PROJECT | {"src/adapter.py": "mine"}) == 1
    assert "would overwrite src/adapter.py" in capsys.readouterr().err
    assert tree()["src/adapter.py"] == "mine"


def test_a_baked_project_stays_as_it_is_when_the_hook_runs_again(
    bake: Bake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baked = bake()
    project = baked.copy(tmp_path)
    monkeypatch.chdir(project.path)
    assert rendering.hook("post_gen_project", baked.answers).main() == 0
    assert tree(project.path) == tree(baked.path)


def test_the_closing_message_names_the_next_commands(bake: Bake) -> None:
    project = bake()
    commands = ["git init -b main", "uv sync", "uv run order-service serve", "uv run pytest", "make help"]
    said = [line.strip() for line in project.printed.splitlines()]
    assert f"cd {project.path}" in said
    for command in commands:
        assert any(line.startswith(command) for line in said)
    assert "http://127.0.0.1:8000/docs" in project.printed
