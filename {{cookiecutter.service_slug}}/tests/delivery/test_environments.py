"""What an environment runs is one line in a file, and the history of the file is the way back."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "environments.py"
NOBODY = {f"GIT_{who}_{what}": "tests" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
Run = Callable[..., str]

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not on PATH: no environment was promoted")


def running(folder: Path) -> Run:
    """Runs the script there; answers what it printed, or raises with what it complained about."""

    def run(*arguments: str) -> str:
        return called(folder, sys.executable, str(SCRIPT), *arguments)

    return run


def called(folder: Path, *command: str) -> str:
    """What a command prints; RuntimeError with its complaint if it fails."""
    # Not what a commit hook sets, which is where these tests may run.
    outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    variables = outside | NOBODY | ALONE
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A clone of a repository that holds the environments as they are here."""
    folder = tmp_path / "ours"
    called(tmp_path, "git", "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    called(tmp_path, "git", "clone", "--quiet", "remote.git", "ours")
    for file in ROOT.glob("environments/*/kustomization.yaml"):
        copy = folder / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True)
        shutil.copyfile(file, copy)
    called(folder, "git", "add", ".")
    called(folder, "git", "commit", "--quiet", "--message=begin")
    called(folder, "git", "push", "--quiet", "origin", "HEAD:main")
    return folder


@pytest.fixture
def theirs(ours: Path) -> Path:
    """Somebody else's clone."""
    called(ours.parent, "git", "clone", "--quiet", "remote.git", "theirs")
    return ours.parent / "theirs"


def test_an_image_goes_from_one_environment_to_the_next(ours: Path) -> None:
    run = running(ours)
    run("promote", "dev", "1.0.0-abc")
    run("promote", "staging")
    assert [run("running", name) for name in ("dev", "staging")] == ["1.0.0-abc", "1.0.0-abc"]
    assert run("running", "production") != "1.0.0-abc"
    changed = called(ours, "git", "show", "--format=%s", "--numstat", "HEAD").split()
    assert changed[0] == "staging:"
    assert changed[-3:] == ["1", "1", "environments/staging/kustomization.yaml"]
    assert run("promote", "staging") == "staging runs 1.0.0-abc already"


def test_each_rollback_goes_one_release_further_back(ours: Path) -> None:
    run = running(ours)
    for tag in ("1.0.0", "1.1.0", "1.2.0"):
        run("promote", "dev", tag)
    run("rollback", "dev")
    assert run("running", "dev") == "1.1.0"
    run("rollback", "dev")
    assert run("running", "dev") == "1.0.0"
    run("promote", "dev", "1.3.0")
    run("rollback", "dev")
    assert run("running", "dev") == "1.0.0"  # not to one that was taken back


def test_a_time_when_the_image_was_named_by_its_digest_is_passed_over(ours: Path) -> None:
    run = running(ours)
    run("promote", "dev", "1.0.0")
    file = ours / "environments" / "dev" / "kustomization.yaml"
    tagged = file.read_text()
    for text in (tagged.replace('newTag: "1.0.0"', "digest: sha256:abc"), tagged):
        file.write_text(text)
        called(ours, "git", "commit", "--quiet", "--all", "--message=another way")
    run("promote", "dev", "1.1.0")
    run("rollback", "dev")
    assert run("running", "dev") == "1.0.0"


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (["promote", "dev"], "name the tag"),
        (["promote", "dev", "1.0.0\nnewName: other"], "no tag of an image"),
        (["promote", "test", "1.0.0"], "invalid choice"),
        (["rollback", "production"], "has run nothing else yet"),
    ],
)
def test_what_cannot_be_meant_is_refused(ours: Path, command: list[str], complaint: str) -> None:
    with pytest.raises(RuntimeError, match=complaint):
        running(ours)(*command)
    assert called(ours, "git", "status", "--porcelain") == ""


def test_what_others_have_sent_meanwhile_stays(ours: Path, theirs: Path) -> None:
    running(theirs)("promote", "dev", "2.0.0")
    running(theirs)("push", "main")
    running(ours)("promote", "production", "1.0.0")
    running(ours)("push", "main")
    called(theirs, "git", "pull", "--quiet", "--rebase", "origin", "main")
    assert [running(theirs)("running", name) for name in ("dev", "production")] == ["2.0.0", "1.0.0"]


def test_two_who_change_the_same_environment_do_not_overwrite_each_other(ours: Path, theirs: Path) -> None:
    running(theirs)("promote", "dev", "2.0.0")
    running(theirs)("push", "main")
    running(ours)("promote", "dev", "1.0.0")
    with pytest.raises(RuntimeError, match="has somebody else"):
        running(ours)("push", "main")
    assert "2.0.0" in called(ours, "git", "show", "origin/main:environments/dev/kustomization.yaml")
    assert running(ours)("running", "dev") == "1.0.0"


def test_without_a_remote_nothing_is_sent_and_one_line_says_so(ours: Path) -> None:
    called(ours, "git", "remote", "remove", "origin")
    with pytest.raises(RuntimeError, match=r"\Athere is no remote `origin` to send to: .*\n\Z"):
        running(ours)("push", "main")


@pytest.mark.parametrize("command", [["push", "main"], ["rollback", "dev"], ["promote", "dev", "1.0.0"]])
def test_before_the_first_commit_one_line_says_so(tmp_path: Path, command: list[str]) -> None:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    called(tmp_path, "git", "init", "--quiet")
    with pytest.raises(RuntimeError, match=r"\Anothing is committed here yet: .*\n\Z"):
        running(tmp_path)(*command)
    assert running(tmp_path)("running", "dev")
