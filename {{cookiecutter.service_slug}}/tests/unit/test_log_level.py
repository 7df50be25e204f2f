"""More detail for a while, asked for from outside, and never by ending a process that does not listen."""

import asyncio
import logging
import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from {{ cookiecutter.package_name }}.__main__ import main
from {{ cookiecutter.package_name }}.bootstrap import create_service
from {{ cookiecutter.package_name }}.config import Settings
from {{ cookiecutter.package_name }}.infrastructure.database.memory import MemoryDatabase
from {{ cookiecutter.package_name }}.infrastructure.telemetry.log_level import LevelSwitch, switchable_level
from {{ cookiecutter.package_name }}.infrastructure.telemetry.log_level_request import CannotSwitch, switch

from .test_observability import at_once, logged, serving  # noqa: F401 - the first is a fixture
from .test_request_pass import quiet_again  # noqa: F401 - the output that is logged to here is closed

CAUGHT = 1 << (signal.SIGUSR1 - 1) | 1 << (signal.SIGUSR2 - 1)
LISTENS = f"Name:\tpython\nSigCgt:\t{CAUGHT:016x}\n"
SERVING = "/app/.venv/bin/python\0/app/.venv/bin/{{ cookiecutter.service_slug }}\0serve\0"


def call(*arguments: str) -> Result:
    """Run the command as from a shell."""
    return CliRunner().invoke(main, ["log-level", *arguments])


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the kernel tells of processes; none is there. Nothing is sent to any."""
    (tmp_path / "self").mkdir()
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("sent"))
    return tmp_path


def process(processes: Path, command: str, status: str, pid: int = 4_242) -> int:
    """A process that is there."""
    folder = processes / str(pid)
    folder.mkdir()
    (folder / "cmdline").write_text(command)
    (folder / "status").write_text(status)
    return pid


async def test_a_running_service_tells_more_until_it_is_asked_to_stop(at_once: Settings) -> None:  # noqa: F811
    async def health() -> None:
        assert (await client.get("/health/live")).status_code == 200

    service = create_service(at_once, MemoryDatabase())
    async with logged("warning") as lines, serving(service, at_once) as client:
        await health()
        for sent in (signal.SIGUSR1, signal.SIGUSR1, signal.SIGUSR2, signal.SIGUSR2):
            os.kill(os.getpid(), sent)
            await health()
    told = [line.get("new_level", line["event"]) for line in lines if line["logger"] in ("server", "access")]
    assert told == ["debug", "request", "debug", "request", "warning"]


async def test_debug_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()
    reset = LevelSwitch.reset

    def reset_and_tell(self: LevelSwitch, by: str) -> None:
        reset(self, by)
        ended.set()

    monkeypatch.setattr(LevelSwitch, "reset", reset_and_tell)
    async with logged() as lines:
        with switchable_level(seconds=0.01):
            os.kill(os.getpid(), signal.SIGUSR1)
            async with asyncio.timeout(10):
                await ended.wait()
            assert not logging.getLogger().isEnabledFor(logging.DEBUG)
    assert [(line["new_level"], line.get("by")) for line in lines] == [("debug", None), ("info", "time")]


@pytest.mark.parametrize("command", [SERVING, "python\0-m\0{{ cookiecutter.package_name }}\0serve\0"])
def test_asks_a_process_that_serves_and_listens(processes: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *what: sent.append(what))
    pid = process(processes, command, LISTENS)
    switch(pid, "debug", processes)
    switch(pid, "reset", processes)
    assert sent == [(pid, signal.SIGUSR1), (pid, signal.SIGUSR2)]


@pytest.mark.parametrize(
    ("command", "status", "reason"),
    [
        ("/usr/sbin/nginx\0", LISTENS, "is no running service but 'nginx'"),
        (SERVING.replace("serve", "migrate"), LISTENS, "is no running service"),
        (SERVING, f"SigCgt:\t{~CAUGHT & 0xFFFF:016x}\n", "does not listen"),
        (SERVING, "", "does not listen"),
    ],
)
def test_sends_nothing_to_a_process_that_it_would_end(processes: Path, command: str, status: str, reason: str) -> None:
    with pytest.raises(CannotSwitch, match=reason):
        switch(process(processes, command, status), "debug", processes)


def test_sends_nothing_where_nobody_knows_what_a_process_is(processes: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotSwitch, match="there is no process 7: name one with --pid"):
        switch(7, "debug", processes)
    with pytest.raises(CannotSwitch, match="if you know that it serves: kill -USR1 7"):
        switch(7, "debug", tmp_path / "elsewhere")


def test_the_command_says_why_not(monkeypatch: pytest.MonkeyPatch, processes: Path) -> None:
    monkeypatch.setattr(switch, "__defaults__", (processes,))
    told = call("debug")
    assert (told.exit_code, told.stderr) == (1, "Error: there is no process 1: name one with --pid\n")
    assert call("debug", "--pid", "0").exit_code == 2
    assert call("loud").exit_code == 2


def test_the_command_asks_the_process_of_the_container(monkeypatch: pytest.MonkeyPatch, processes: Path) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *what: sent.append(what))
    monkeypatch.setattr(switch, "__defaults__", (processes,))
    process(processes, SERVING, LISTENS, pid=1)
    assert call("debug").stdout == "asked process 1; its log tells the change\n"
    assert sent == [(1, signal.SIGUSR1)]
