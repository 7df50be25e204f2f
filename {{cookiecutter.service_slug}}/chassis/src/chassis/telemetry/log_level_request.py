"""Asks another process of the service to change its log level."""

import os
import signal
from collections.abc import Collection
from pathlib import Path

from .log_level import SIGNALS


class CannotSwitch(Exception):
    """No signal was sent; the text names the reason and what to do."""


def request_log_level(
    pid: int,
    level: str,
    *,
    programs: Collection[str],
    commands: Collection[str],
    processes: Path = Path("/proc"),
) -> None:
    """Ask a process to change its log level.

    Args:
        pid: the process.
        level: debug or reset.
        programs: names by which the service is started: its command, its package (`python -m`).
        commands: the commands that handle these signals.
        processes: where the kernel describes processes (proc(5)).

    Raises:
        CannotSwitch: the process does not handle these signals, which would end it.
    """
    wanted = SIGNALS[level]
    if not (processes / "self").exists():
        by_hand = f"kill -{wanted.name.removeprefix('SIG')} {pid}"
        raise CannotSwitch(f"this system does not show what process {pid} is; if it is the service: {by_hand}")
    try:
        arguments = (processes / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
        status = (processes / str(pid) / "status").read_text(errors="replace")
    except FileNotFoundError:
        raise CannotSwitch(f"no process {pid}: name one with --pid") from None
    names = {Path(argument).name for argument in arguments}
    if not names & set(programs) or not names & set(commands):
        raise CannotSwitch(f"process {pid} is {Path(arguments[0]).name!r}, not the service: name one with --pid")
    if not _catches(status, wanted):
        raise CannotSwitch(f"process {pid} is starting or stopping and does not listen: try again in a moment")
    try:
        os.kill(pid, wanted)
    except PermissionError:
        raise CannotSwitch(f"process {pid} belongs to another user: run this as that user") from None


def _catches(status: str, wanted: signal.Signals) -> bool:
    """Whether a process has its own handler for a signal."""
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    return bool(int(caught, 16) >> (wanted - 1) & 1)
