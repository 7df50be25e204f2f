"""The health checks of compose.yaml succeed on a server that answers, and fail without one.

They run as they stand in the file, on servers of this machine. Where a check is a script of its image, which nothing
here has, it is compared with what the maker of the image documents.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import process
from tests.baked import Bake
from tests.brokers import SERVERS

Service = dict[str, Any]

SECONDS = 60
# mariadb.com/docs, "Using Healthcheck.sh"; kafka.apache.org, tools in bin/ of the distribution.
DOCUMENTED = {
    "mysql": ["healthcheck.sh", "--connect", "--innodb_initialized"],
    "kafka": ["/opt/kafka/bin/kafka-broker-api-versions.sh", "--bootstrap-server", "localhost:19092"],
}


def service(bake: Bake, name: str, **choices: str) -> Service:
    """A service of compose.yaml; variables have what they fall back to."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", bake(**choices).read("compose.yaml"))
    found: Service = yaml.safe_load(text)["services"][name]
    return found


def check(described: Service) -> list[str]:
    """The command of its health check."""
    command: list[str] = described["healthcheck"]["test"]
    assert command[0] == "CMD"
    return command[1:]


def succeeds(command: list[str], **variables: str) -> bool:
    """Whether the command says that the server is well."""
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, timeout=SECONDS, check=False)
    return done.returncode == 0


@contextmanager
def started(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server of the test's own."""
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        yield server
    finally:
        server.kill()
        server.wait()


def eventually_succeeds(command: list[str], **variables: str) -> bool:
    """As compose asks: again and again."""
    deadline = time.monotonic() + SECONDS
    while not succeeds(command, **variables):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.needs("PostgreSQL")
def test_postgresql(bake: Bake) -> None:
    command = check(service(bake, "database", database="postgresql"))
    assert succeeds(command)
    assert not succeeds(command, PGPORT="1")


@pytest.mark.needs(SERVERS["rabbitmq"].name)
def test_rabbitmq(bake: Bake) -> None:
    if not shutil.which("rabbitmq-diagnostics"):
        pytest.skip("the server runs elsewhere: its tools are not on this machine")
    command = check(service(bake, "broker", broker="rabbitmq"))
    assert succeeds(command)
    assert not succeeds(command, RABBITMQ_NODENAME="nobody@localhost")


@pytest.mark.needs("Redis's programs")
def test_redis(bake: Bake, tmp_path: Path) -> None:
    described, port = service(bake, "broker", broker="redis"), str(process.free_port())
    client, *arguments = check(described)
    asked, variables = [client, "-p", port, *arguments], described["environment"]
    with started([*described["command"], "--port", port, "--bind", "127.0.0.1"], tmp_path):
        assert eventually_succeeds(asked, **variables)
        assert not succeeds(asked), "without its password it is refused"
    assert not succeeds(asked, **variables)


@pytest.mark.needs("NATS's program")
def test_nats(bake: Bake, tmp_path: Path) -> None:
    described = service(bake, "broker", broker="nats")
    (http_port,) = [word.removeprefix("--http_port=") for word in described["command"] if "--http_port=" in word]
    port = str(process.free_port())
    command = [word.replace(http_port, port).replace("/data", str(tmp_path)) for word in described["command"]]
    asked = [word.replace(http_port, port) for word in check(described)]
    assert asked != check(described)
    with started([*command, "--addr=127.0.0.1", f"--port={process.free_port()}"], tmp_path):
        assert eventually_succeeds(asked)
    assert not succeeds(asked)


@pytest.mark.needs("Prometheus")
def test_prometheus(bake: Bake, tmp_path: Path) -> None:
    described, port = service(bake, "prometheus"), str(process.free_port())
    (tmp_path / "empty.yaml").touch()
    command = ["prometheus", "--config.file=empty.yaml", f"--web.listen-address=127.0.0.1:{port}"]
    asked = [word.replace(":9090/", f":{port}/") for word in check(described)]
    assert asked != check(described)
    with started(command, tmp_path):
        assert eventually_succeeds(asked)
    assert not succeeds(asked)


def test_what_cannot_be_run_here_is_what_the_makers_document(bake: Bake) -> None:
    assert check(service(bake, "database", database="mysql")) == DOCUMENTED["mysql"]
    assert check(service(bake, "broker", broker="kafka")) == DOCUMENTED["kafka"]
    assert check(service(bake, "grafana")) == ["wget", "--quiet", "--spider", "http://127.0.0.1:3000/api/health"]
