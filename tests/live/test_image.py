"""The image of the default service is built, is small, can be built again, and runs with nothing but what it needs."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.baked import Bake
from tests.brokers import SERVERS
from tests.live import brokers, containers
from tests.process import free_port
from tests.project import Project
from tests.report import MEASURED
from tools import interpreters, options, uv

PYTHON = options.choices()["python_version"][0]
ADDED_MEGABYTES = 120
COMMITTED = "2026-11-20T10:00:00Z"
AUTHOR = {f"GIT_{who}_{what}": "tests" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
# 10001 is the image's own; a cluster may give out any other.
USERS = ["10001:10001", "54321:0"]

pytestmark = [
    pytest.mark.needs("a container engine"),
    pytest.mark.needs(f"Python {PYTHON}"),
    pytest.mark.xdist_group("image"),
]


@dataclass(frozen=True)
class Image:
    """What `make image` built, and from what."""

    repository: str
    project: Project
    commit: str

    @property
    def name(self) -> str:
        """With its tag."""
        return f"{self.repository}:0.1.0"

    def again(self) -> "Image":
        """The same under another name."""
        twin = replace(self, repository=f"{self.repository}-again")
        make(self.project.path, twin.repository)
        return twin


@pytest.fixture(scope="module")
def image(bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Built from a commit, as a release is."""
    project = Project(bake(), tmp_path_factory.mktemp("image"))
    uv.call("lock", "--python", str(interpreters.find(PYTHON)), cwd=project.path)
    git(project.path, "init", "--quiet")
    git(project.path, "add", ".")
    git(project.path, "commit", "--quiet", "--message=everything")
    # A name that no other run on this machine has: they would take each other's image away.
    repository = f"localhost/template-tests-{os.getpid()}"
    make(project.path, repository)
    image = Image(repository, project, git(project.path, "rev-parse", "HEAD"))
    yield image
    containers.call("image", "rm", "--force", image.name)


def make(folder: Path, repository: str) -> None:
    """`make image`, on the images that this machine has, and nothing of what was built before."""
    given = {"CONTAINER": str(containers.engine()), "IMAGE": repository, "IMAGE_FLAGS": "--no-cache"}
    given |= containers.images()
    command = ["make", "image", *(f"{key}={value}" for key, value in given.items())]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular, at a fixed time."""
    dates = {"GIT_AUTHOR_DATE": COMMITTED, "GIT_COMMITTER_DATE": COMMITTED}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=os.environ | AUTHOR | dates, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_it_adds_little_to_what_it_is_built_on(image: Image, record_property: Callable[[str, object], None]) -> None:
    base = containers.inspect(containers.images()["PYTHON_IMAGE"])["Size"]
    added = (containers.inspect(image.name)["Size"] - base) / 1e6
    record_property(MEASURED, f"the image adds {added:.0f} MB to the {base / 1e6:.0f} MB that it is built on")
    assert added <= ADDED_MEGABYTES


def test_it_says_what_it_is_and_how_it_is_run(image: Image) -> None:
    config = containers.inspect(image.name)["Config"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["version"] == "0.1.0"
    assert labels["revision"] == image.commit
    assert labels["created"] == COMMITTED
    assert labels["base.name"] == containers.images()["PYTHON_IMAGE"]
    assert labels.keys() >= {"title", "description", "vendor", "licenses", "source"}
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == [image.project.slug]
    assert config["Cmd"] == ["serve"]


@pytest.mark.parametrize("user", USERS)
def test_it_serves_with_nothing_to_write_to_and_no_rights(
    image: Image, user: str, record_property: Callable[[str, object], None]
) -> None:
    port = free_port()
    settings = {"HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(port), "SHUTDOWN_DRAIN_SECONDS": "0.2"}
    begun = time.perf_counter()
    with containers.running(image.name, port=port, user=user, **settings) as container:
        container.wait_until_alive()
        record_property(MEASURED, f"the container of user {user} answers after {time.perf_counter() - begun:.1f} s")
        container.healthy()
        info = json.loads(container.get("/info")[1])
        assert (info["version"], info["commit"], info["build_time"]) == ("0.1.0", image.commit, COMMITTED)
        assert info["template"] == options.model()["_version"]
        assert container.stop() == 0


def test_it_answers_beyond_its_container_without_being_told_to(image: Image) -> None:
    """Nobody sets HTTP_HOST in a cluster. On the network of this machine, another loopback address is beyond it."""
    port = free_port()
    with containers.running(image.name, port=port, user=USERS[0], HTTP_PORT=str(port)) as container:
        container.wait_until_alive()
        with socket.create_connection(("127.0.0.2", port), timeout=5):
            pass


@pytest.mark.needs(SERVERS["rabbitmq"].name)
def test_its_worker_tells_its_health_and_ends_when_asked(image: Image) -> None:
    port = free_port()
    with brokers.EVERY["rabbitmq"].reached(image.project) as reached:
        settings = reached | {"WORKER_PORT": str(port), "SHUTDOWN_GRACE_SECONDS": "2"}
        with containers.running(image.name, "worker", port=port, user=USERS[0], **settings) as container:
            container.wait_until_alive()
            container.healthy()
            assert container.stop() == 0


def test_the_same_commit_gives_the_same_layers(image: Image) -> None:
    if containers.engine() != "podman":
        pytest.skip("docker's own builder keeps the time at which a file was written; `make image-archive` does not")
    for file in image.project.path.rglob("*.py"):
        file.touch()
    # Before the second one is there: if even its id is the same, podman keeps the new name only.
    layers = containers.inspect(image.name)["RootFS"]
    twin = image.again()
    again = containers.inspect(twin.name)["RootFS"]
    containers.call("image", "rm", "--force", twin.name)
    assert again == layers
