"""Debug logs for a while, requested from outside, and never by ending a process that does not listen."""

import asyncio
import logging
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from chassis.telemetry.log_level import LevelSwitch, switchable_level
from chassis.telemetry.log_level_request import CannotSwitch, request_log_level
from tests.support.logs import logged

CAUGHT = 1 << (signal.SIGUSR1 - 1) | 1 << (signal.SIGUSR2 - 1)
LISTENS = f"Name:\tpython\nSigCgt:\t{CAUGHT:016x}\n"
SERVING = "/app/.venv/bin/python\0/app/.venv/bin/warehouse\0serve\0"
PROGRAM: dict[str, Any] = {"programs": {"warehouse", "warehouse_package"}, "commands": {"serve"}}


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kernel's description of processes; there is none. No signal is sent to any."""
    (tmp_path / "self").mkdir()
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("sent"))
    return tmp_path


def process(processes: Path, command: str, status: str, pid: int = 4_242) -> int:
    """A process that runs."""
    folder = processes / str(pid)
    folder.mkdir()
    (folder / "cmdline").write_text(command)
    (folder / "status").write_text(status)
    return pid


async def test_signals_switch_to_debug_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: asyncio.Queue[str] = asyncio.Queue()
    for name in ("debug", "reset"):
        method = getattr(LevelSwitch, name)

        def call(self: LevelSwitch, *by: str, method: Any = method) -> None:
            method(self, *by)
            changes.put_nowait(logging.getLevelName(logging.getLogger().level))

        monkeypatch.setattr(LevelSwitch, name, call)
    seen = []
    with logged("warning") as lines, switchable_level():
        for sent in (signal.SIGUSR1, signal.SIGUSR1, signal.SIGUSR2, signal.SIGUSR2):
            os.kill(os.getpid(), sent)
            async with asyncio.timeout(10):
                seen.append(await changes.get())
    assert seen == ["DEBUG", "DEBUG", "WARNING", "WARNING"]
    assert [(line["new_level"], line.get("by")) for line in lines] == [
        ("debug", None),
        ("debug", None),
        ("warning", "signal"),
    ]


async def test_debug_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()
    reset = LevelSwitch.reset

    def reset_and_notify(self: LevelSwitch, by: str) -> None:
        reset(self, by)
        ended.set()

    monkeypatch.setattr(LevelSwitch, "reset", reset_and_notify)
    with logged() as lines, switchable_level(seconds=0.01):
        os.kill(os.getpid(), signal.SIGUSR1)
        async with asyncio.timeout(10):
            await ended.wait()
        assert not logging.getLogger().isEnabledFor(logging.DEBUG)
    assert [(line["new_level"], line.get("by")) for line in lines] == [("debug", None), ("info", "time")]


async def test_the_end_of_the_server_ends_debug() -> None:
    with logged() as lines:
        with switchable_level():
            os.kill(os.getpid(), signal.SIGUSR1)
            async with asyncio.timeout(10):
                while not logging.getLogger().isEnabledFor(logging.DEBUG):  # noqa: ASYNC110 - a handler of the loop
                    await asyncio.sleep(0)
        assert not logging.getLogger().isEnabledFor(logging.DEBUG)
    assert [line.get("by") for line in lines] == [None, "end"]


@pytest.mark.parametrize("command", [SERVING, "python\0-m\0warehouse_package\0serve\0"])
def test_asks_a_process_that_serves_and_listens(processes: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *what: sent.append(what))
    pid = process(processes, command, LISTENS)
    request_log_level(pid, "debug", processes=processes, **PROGRAM)
    request_log_level(pid, "reset", processes=processes, **PROGRAM)
    assert sent == [(pid, signal.SIGUSR1), (pid, signal.SIGUSR2)]


@pytest.mark.parametrize(
    ("command", "status", "reason"),
    [
        ("/usr/sbin/nginx\0", LISTENS, "is 'nginx', not the service"),
        (SERVING.replace("serve", "migrate"), LISTENS, "not the service"),
        (SERVING, f"SigCgt:\t{~CAUGHT & 0xFFFF:016x}\n", "does not listen"),
        (SERVING, "", "does not listen"),
    ],
)
def test_sends_nothing_to_a_process_that_it_would_end(processes: Path, command: str, status: str, reason: str) -> None:
    pid = process(processes, command, status)
    with pytest.raises(CannotSwitch, match=reason):
        request_log_level(pid, "debug", processes=processes, **PROGRAM)


def test_sends_nothing_if_the_process_is_unknown(processes: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotSwitch, match="no process 7: name one with --pid"):
        request_log_level(7, "debug", processes=processes, **PROGRAM)
    with pytest.raises(CannotSwitch, match="if it is the service: kill -USR1 7"):
        request_log_level(7, "debug", processes=tmp_path / "no-proc", **PROGRAM)


def test_a_process_of_another_user_is_reported(processes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    with pytest.raises(CannotSwitch, match="belongs to another user"):
        request_log_level(process(processes, SERVING, LISTENS), "debug", processes=processes, **PROGRAM)
