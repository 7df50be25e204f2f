"""The container engine of this machine, the images that a service is built on, and containers that end with a test.

LIVE_CONTAINER      podman or docker, if not the first of them that answers
LIVE_PYTHON_IMAGE   the image of Python to build on, if not the one that the Dockerfile names
LIVE_UV_IMAGE       the same for uv
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests import process
from tools import options

SECONDS = 600
START_SECONDS = 30
# As a cluster with Pod Security "restricted" would. On the network of this machine, where its brokers are.
CONFINED = ["--network=host", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
# podman would mount a folder to write to at /tmp.
OF_PODMAN = ["--pull=never", "--read-only-tmpfs=false"]


@cache
def engine() -> str | None:
    """The engine that answers, and has or gets the images to build on; None without."""
    wanted = os.environ.get("LIVE_CONTAINER")
    for name in [wanted] if wanted else ["podman", "docker"]:
        if shutil.which(name) and _succeeds(name, "info") and all(_has(name, image) for image in images().values()):
            return name
    return None


@cache
def images() -> dict[str, str]:
    """The images that the Dockerfile of the default service builds on, by the name of its argument."""
    dockerfile = options.ROOT / "{{cookiecutter.service_slug}}" / "Dockerfile"
    text = dockerfile.read_text(encoding="utf-8")
    text = text.replace("{{ cookiecutter.python_version }}", options.choices()["python_version"][0])
    named: dict[str, str] = dict(re.findall(r"(?m)^ARG (\w+_IMAGE)=(\S+)$", text))
    return {name: os.environ.get(f"LIVE_{name}") or image for name, image in named.items()}


def call(*arguments: str) -> str:
    """Run the engine; it must succeed. Answers what it printed."""
    done = subprocess.run([str(engine()), *arguments], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


def inspect(image: str) -> dict[str, Any]:
    """What the engine knows of an image."""
    found: dict[str, Any] = json.loads(call("image", "inspect", image))[0]
    return found


@dataclass(frozen=True)
class Container:
    """One that was started."""

    id: str
    port: int

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body. Raises OSError where nobody listens."""
        return process.get(self.port, path)

    def wait_until_alive(self) -> None:
        """Until it answers."""
        deadline = time.monotonic() + START_SECONDS
        while not self._alive():
            assert time.monotonic() < deadline, call("logs", self.id)
            time.sleep(0.02)

    def healthy(self) -> None:
        """Ask as the image says that its health is asked."""
        command = json.loads(call("container", "inspect", "--format", "{{json .Config.Healthcheck.Test}}", self.id))
        assert command.pop(0) == "CMD"
        call("exec", self.id, *command)

    def stop(self) -> int:
        """End it as an orchestrator does; its exit code. 137 would mean that it had to be killed."""
        call("stop", "--time=30", self.id)
        return int(call("container", "inspect", "--format", "{{.State.ExitCode}}", self.id))

    def _alive(self) -> bool:
        try:
            return self.get("/health/live")[0] == 200
        except OSError:
            return False


@contextmanager
def running(image: str, *command: str, port: int, user: str, **settings: str) -> Iterator[Container]:
    """A container that may do nothing but what the service needs."""
    variables = [f"--env={name}={value}" for name, value in settings.items()]
    own = OF_PODMAN if engine() == "podman" else []
    container = Container(call("run", "--detach", *CONFINED, *own, f"--user={user}", *variables, image, *command), port)
    try:
        yield container
    finally:
        call("rm", "--force", container.id)
        _until_forgotten(container.id)


def _until_forgotten(container: str) -> None:
    """Until the engine's own processes for this container have ended.

    podman cleans up in the background, and before 4.5 an image may be unknown while another process writes to its store
    (https://github.com/containers/podman/issues/17515).
    """
    deadline = time.monotonic() + START_SECONDS
    while any(container in command for command in _commands()):
        assert time.monotonic() < deadline, f"something still works on {container}"
        time.sleep(0.02)


def _commands() -> Iterator[str]:
    """What runs on this machine; nothing where there is no /proc."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield file.read_bytes().decode(errors="replace")


def _has(name: str, image: str) -> bool:
    """Whether the image is here, or can be had."""
    return _succeeds(name, "image", "inspect", image) or _succeeds(name, "pull", "--quiet", image)


def _succeeds(*command: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
