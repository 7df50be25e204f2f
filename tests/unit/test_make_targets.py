"""Targets of a service that cannot do what they are asked: one line says what is missing."""

import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.baked import Bake, Baked
from tests.unit.test_deploying import on_path
from tools import demo

# Writes down what it is asked, and fails if it is told to.
UV = """#!/bin/sh
case "$1" in
    run) shift 2; exec python3 "$@" ;;
    lock) echo "$*" >> "$NOTES"; exit "${FAILS:-0}" ;;
esac
"""


@pytest.fixture
def service(bake: Bake, tmp_path: Path) -> Baked:
    """The default service in a repository without a commit."""
    copy = bake().copy(tmp_path)
    copy.run("git", "init", "--quiet", "-b", "main")
    return copy


def complaint(service: Baked, *arguments: str, **env: str) -> list[str]:
    """What a target that fails writes to standard error, without make's own line of it."""
    done = service.run("make", "--silent", "--no-print-directory", *arguments, expect=2, **env)
    return [line for line in done.stderr.splitlines() if not re.match(r"make(\[\d+\])?: \*\*\* \[", line)]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["push"], "nothing is committed here yet"),
        (["rollback", "ENV=dev"], "nothing is committed here yet"),
        (["tag"], "nothing is committed here yet"),
        (["contract-diff"], "git fetch origin main"),
        (["deploy", "ENV=dev"], "kubectl has no cluster"),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_one_line_says_what_is_missing(service: Baked, tmp_path: Path, arguments: list[str], line: str) -> None:
    path = on_path(tmp_path, kubectl="#!/bin/sh\necho 'error: current-context is not set' >&2\nexit 1\n")
    [said] = complaint(service, *arguments, PATH=path, KUBERNETES_SERVICE_HOST="")
    assert line in said


def test_a_push_without_a_remote_is_one_line(service: Baked) -> None:
    service.run("git", "add", ".")
    service.run("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message=begin")
    assert complaint(service, "push") == ["there is no remote `origin` to send to: git remote add origin ADDRESS"]


@pytest.mark.parametrize("port", ["abc", "", "-1", "70000", "8000.5"])
def test_a_demo_on_no_port_is_one_line(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(SystemExit, match=f"^PORT={re.escape(port)} is not a port"):
        demo.main()


def upgraded(service: Baked, tmp_path: Path, *arguments: str, expect: int = 0, **env: str) -> dict[str, object]:
    """The settings of uv after an upgrade, and what uv was asked as `asked`."""
    env |= {"PATH": f"{on_path(tmp_path, uv=UV)}:{os.environ['PATH']}", "NOTES": str(tmp_path / "notes")}
    service.run("make", "--silent", "upgrade", "UNTIL=2030-01-31", *arguments, expect=expect, **env)
    settings: dict[str, object] = tomllib.loads(service.read("pyproject.toml"))["tool"]["uv"]
    return settings | {"asked": (tmp_path / "notes").read_text(encoding="utf-8").splitlines()}


LATER = "2030-01-31T23:59:59Z"


def test_one_package_is_upgraded_alone(service: Baked, tmp_path: Path) -> None:
    before = tomllib.loads(service.read("pyproject.toml"))["tool"]["uv"]["exclude-newer"]
    found = upgraded(service, tmp_path, "PACKAGE=Uuid_Utils")
    assert found["asked"] == ["lock --upgrade-package Uuid_Utils"]
    assert (found["exclude-newer"], found["exclude-newer-package"]) == (before, {"uuid-utils": LATER})
    assert upgraded(service, tmp_path, "PACKAGE=fastapi")["exclude-newer-package"] == {
        "fastapi": LATER,
        "uuid-utils": LATER,
    }


def test_an_upgrade_of_everything_ends_the_exceptions_with_a_day(service: Baked, tmp_path: Path) -> None:
    project = service.path / "pyproject.toml"
    exceptions = 'exclude-newer-package = { fastapi = "2026-12-01T00:00:00Z", service-chassis = false }'
    text = project.read_text(encoding="utf-8")
    project.write_text(re.sub(r"(?m)^(exclude-newer = .*)$", rf"\1\n{exceptions}", text), encoding="utf-8")
    found = upgraded(service, tmp_path)
    assert found["asked"] == ["lock --upgrade"]
    assert (found["exclude-newer"], found["exclude-newer-package"]) == (LATER, {"service-chassis": False})


def test_a_failed_upgrade_changes_nothing(service: Baked, tmp_path: Path) -> None:
    before = service.read("pyproject.toml")
    upgraded(service, tmp_path, "PACKAGE=fastapi", expect=2, FAILS="1")
    assert service.read("pyproject.toml") == before


def test_without_git_the_tests_that_need_it_say_so(bake: Bake, tmp_path: Path) -> None:
    alone = [sys.executable, "-m", "pytest", "-q", "-rs", "--noconftest", "-c", os.devnull, "-p", "no:cacheprovider"]
    done = bake().run(*alone, "tests/delivery/test_environments.py", PATH=str(tmp_path), PYTHONDONTWRITEBYTECODE="1")
    assert "git is not on PATH" in done.stdout
    assert "passed" not in done.stdout


def test_no_commit_hook_is_fetched(bake: Bake) -> None:
    """A first commit has to work where only a package index can be reached."""
    repositories = re.findall(r"(?m)^ +- repo: (.+)$", bake().read(".pre-commit-config.yaml"))
    assert repositories == ["local"]


def test_the_faster_event_loop_is_required_only_where_it_exists(bake: Bake) -> None:
    project = tomllib.loads(bake().read("chassis/pyproject.toml"))["project"]
    [marker] = [each.partition(";")[2] for each in project["dependencies"] if each.startswith("uvloop")]
    assert "sys_platform != 'win32'" in marker
    assert "platform_python_implementation == 'CPython'" in marker
