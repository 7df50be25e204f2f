"""Generating a service needs no git, no writable template or home, and any folder to put it into."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import cruft
from tests.baked import Bake, user_environment
from tests.cruft import Contents, contents

# Root may write anywhere, unless it gives up this privilege.
BOUND = [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the template."""
    folder = tmp_path_factory.mktemp("template")
    cruft.working_tree(folder)
    return folder


@pytest.fixture
def expected(bake: Bake) -> Contents:
    """The files of the default service."""
    return contents(bake().path)


def generate(template: Path, home: Path, output: Path, *arguments: str, **settings: str) -> Contents:
    """Generate a service as a user without any privilege. Returns its files."""
    command = [*BOUND, sys.executable, "-m", "cookiecutter", str(template), "-o", str(output), *arguments]
    environment = user_environment(home) | settings
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    (service,) = output.iterdir()
    return contents(service)


def test_without_git(template: Path, home: Path, output: Path, expected: Contents) -> None:
    empty = home / "bin"
    empty.mkdir()
    if BOUND:
        (empty / BOUND[0]).symlink_to(shutil.which(BOUND[0]) or "")
    assert generate(template, home, output, "--no-input", PATH=str(empty)) == expected


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_into_a_folder_with_spaces_and_letters_beyond_ascii(
    template: Path, home: Path, output: Path, expected: Contents, locale: str
) -> None:
    folder = output / "Müller & Söhne 注文"
    assert generate(template, home, folder, "--no-input", LC_ALL=locale, PYTHONUTF8="0") == expected


def test_a_replay_gives_the_same_service(template: Path, home: Path, tmp_path: Path, output: Path) -> None:
    once = generate(template, home, tmp_path / "once", "--no-input", "broker=kafka", "aggregate=Stock Item")
    assert generate(template, home, output, "--replay") == once


def test_from_a_read_only_template_with_a_read_only_home(
    read_only: Path, output: Path, tmp_path: Path, expected: Contents
) -> None:
    template, home = read_only / "template", read_only / "home"
    refused = subprocess.run([*BOUND, "touch", template / "new", home / "new"], capture_output=True, check=False)
    assert refused.returncode == 1, "this test can write where no user can"
    before = contents(read_only)
    config = tmp_path / "cookiecutter.yaml"
    config.write_text(f"replay_dir: {tmp_path / 'replay'}\ncookiecutters_dir: {tmp_path / 'templates'}\n")
    assert generate(template, home, output, "--no-input", COOKIECUTTER_CONFIG=str(config)) == expected
    assert contents(read_only) == before
    assert not [path for path in output.rglob("*") if not path.stat().st_mode & 0o200]


@pytest.fixture
def read_only(template: Path, tmp_path: Path) -> Iterator[Path]:
    """A folder with a template and a home, all without write permission."""
    folder = tmp_path / "read-only"
    shutil.copytree(template, folder / "template")
    (folder / "home").mkdir()
    permit(folder, 0o555)
    yield folder
    permit(folder, 0o755)


def permit(folder: Path, mode: int) -> None:
    """Give all folders these bits, and files those of them that they can have."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(mode if path.is_dir() else path.stat().st_mode & 0o555 | mode & 0o200)
