#!/usr/bin/env python3
"""Which image each environment runs: moves a tag from one to the next, or takes the last move back.

An environment runs the tag under `newTag` in environments/NAME/kustomization.yaml, so the history of that file is the
history of what it ran. Needs git and nothing else.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ORDER = ("dev", "staging", "production")
TAG = re.compile(r'(?m)^(    newTag: )"([^"]+)"$')
ALLOWED = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")  # a tag, says the OCI distribution specification
ATTEMPTS = 5
# The token comes from the environment: neither a command line nor a file ever holds it.
HELPER = '!f() { echo username=x-access-token; echo "password=$PROMOTION_TOKEN"; }; f'
LOGIN = ["-c", "credential.helper=", "-c", f"credential.helper={HELPER}"]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("running", "promote", "rollback"):
        command = commands.add_parser(name)
        command.add_argument("environment", choices=ORDER)
        if name == "promote":
            command.add_argument("tag", nargs="?", help="otherwise what the environment before it runs")
    commands.add_parser("push").add_argument("branch")
    given = parser.parse_args()
    if given.command == "push":
        push(given.branch)
    elif given.command == "running":
        say(running(given.environment))
    else:
        previous = before if given.command == "rollback" else following
        move(given.environment, getattr(given, "tag", None) or previous(given.environment))


def running(environment: str) -> str:
    """The tag that an environment runs."""
    return tag_in(file_of(environment).read_text(encoding="utf-8"), environment)


def following(environment: str) -> str:
    """The tag that comes to an environment next: what the one before it runs."""
    place = ORDER.index(environment)
    if place == 0:
        raise SystemExit(f"nothing comes before {environment}: name the tag")
    return running(ORDER[place - 1])


def before(environment: str) -> str:
    """The tag that an environment ran before the present one; one that was taken back does not count."""
    file = file_of(environment).as_posix()
    ran: list[str] = []
    for commit in git("log", "--reverse", "--format=%H", "--", file).split():
        then = git("show", f"{commit}:{file}")
        if not TAG.search(then):
            continue  # it named its image in another way then
        tag = tag_in(then, environment)
        if tag in ran:
            del ran[ran.index(tag) + 1 :]
        else:
            ran.append(tag)
    if len(ran) < 2:
        raise SystemExit(f"{environment} has run nothing else yet")
    return ran[-2]


def move(environment: str, tag: str) -> None:
    """Commit that the environment runs this tag from now on."""
    old, file = running(environment), file_of(environment)
    if not ALLOWED.fullmatch(tag):
        raise SystemExit(f"no tag of an image: {tag!r}")
    if tag == old:
        say(f"{environment} runs {tag} already")
        return
    text = file.read_text(encoding="utf-8")
    file.write_text(TAG.sub(rf'\g<1>"{tag}"', text), encoding="utf-8")
    # Nothing is built from such a commit, so no pipeline has to run.
    git("commit", "--quiet", "--message", f"{environment}: {tag}, was {old} [skip ci]", "--", file.as_posix())
    say(f"{environment}: {tag}, was {old}")


def push(branch: str) -> None:
    """Send the commits; if others were faster, put them on top of theirs."""
    remote = os.environ.get("PROMOTION_REMOTE") or "origin"
    # PROMOTION_REMOTE may be an address instead of a name.
    if remote == "origin" and remote not in git("remote").split():
        raise SystemExit("there is no remote `origin` to send to: git remote add origin ADDRESS")
    login = LOGIN if os.environ.get("PROMOTION_TOKEN") else []
    for _ in range(ATTEMPTS):
        if attempt(*login, "push", remote, f"HEAD:refs/heads/{branch}"):
            return
        if not attempt(*login, "pull", "--quiet", "--rebase", remote, branch):
            attempt("rebase", "--abort")
            break
    raise SystemExit(f"could not be sent to {branch}; has somebody else just changed the same environment?")


def file_of(environment: str) -> Path:
    """Where it is written."""
    return Path("environments", environment, "kustomization.yaml")


def tag_in(text: str, environment: str) -> str:
    """The one tag in an overlay."""
    found = TAG.findall(text)
    if len(found) != 1:
        raise SystemExit(f'{file_of(environment)}: one line `newTag: "..."` was expected, not {len(found)}')
    return str(found[0][1])


def git(*arguments: str) -> str:
    """What git answers; it must succeed."""
    if not shutil.which("git"):
        raise SystemExit("git is not installed")
    if subprocess.run(["git", "rev-parse", "--verify", "--quiet", "HEAD"], check=False, capture_output=True).returncode:  # noqa: S607 - no shell
        raise SystemExit("nothing is committed here yet: git init -b main, git add ., git commit")
    done = subprocess.run(["git", *arguments], check=False, capture_output=True, text=True)  # noqa: S603, S607 - no shell
    if done.returncode:
        raise SystemExit(f"git {arguments[0]}: {' '.join((done.stderr or done.stdout).split())}")
    return done.stdout


def attempt(*arguments: str) -> bool:
    """Whether git succeeded; what it says is shown."""
    return subprocess.run(["git", *arguments], check=False).returncode == 0  # noqa: S603, S607 - no shell


def say(line: str) -> None:
    """One line for people, or for a script that asks."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
