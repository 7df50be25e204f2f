"""Asks another process of the service to change its log level."""

import os
import signal
from pathlib import Path

from .log_level import SIGNALS

# How it is called on a command line, as a command or as a module, and by which commands it listens.
NAMES = {"{{ cookiecutter.service_slug }}", __name__.partition(".")[0]}
LISTENING = {"serve"{{ ', "worker"' if cookiecutter.broker != "none" }}}


class CannotSwitch(Exception):
    """Nothing was sent; the text says why, and what to do."""


def switch(pid: int, to: str, processes: Path = Path("/proc")) -> None:
    """Ask a process to change its level.

    Args:
        pid: the process.
        to: debug or reset.
        processes: where the kernel tells of them (proc(5)).

    Raises:
        CannotSwitch: it is not one that listens. These signals end a process that does not.
    """
    wanted = SIGNALS[to]
    if not (processes / "self").exists():
        by_hand = f"kill -{wanted.name.removeprefix('SIG')} {pid}"
        raise CannotSwitch(f"this system does not tell what process {pid} is; if you know that it serves: {by_hand}")
    try:
        arguments = (processes / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
        status = (processes / str(pid) / "status").read_text(errors="replace")
    except FileNotFoundError:
        raise CannotSwitch(f"there is no process {pid}: name one with --pid") from None
    names = {Path(argument).name for argument in arguments}
    if not names & NAMES or not names & LISTENING:
        raise CannotSwitch(f"process {pid} is no running service but {Path(arguments[0]).name!r}: name one with --pid")
    if not _catches(status, wanted):
        raise CannotSwitch(f"process {pid} does not listen, because it starts or ends just now: try again in a moment")
    try:
        os.kill(pid, wanted)
    except PermissionError:
        raise CannotSwitch(f"process {pid} belongs to somebody else: be that user") from None


def _catches(status: str, wanted: signal.Signals) -> bool:
    """Whether a process has a handler of its own for a signal."""
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    return bool(int(caught, 16) >> (wanted - 1) & 1)
