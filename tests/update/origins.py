"""The commits of the template's history that services are updated from.

`origins.json` lists them. Of each origin: a name, the commit, the answers of its services, and `conflicts`: files in
which an update conflicts with an edit of the table, on purpose and as the changelog explains.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

LISTED = Path(__file__).with_name("origins.json")
SHALLOW = "this checkout is shallow and has no such commit; fetch the history: git fetch --unshallow origin"
ELSEWHERE = (
    "this commit is not in the history of what is checked out; rebase onto the main branch: git rebase origin/main"
)


@dataclass(frozen=True)
class Origin:
    """One state of the template, with the answers of the services that are created from it."""

    name: str
    commit: str
    services: dict[str, dict[str, str]]
    conflicts: list[str]


def every() -> list[Origin]:
    """All of them, the oldest first."""
    return [Origin(**each) for each in json.loads(LISTED.read_text(encoding="utf-8"))]


def missing(repository: Path) -> list[str]:
    """Each origin that the history of the checked-out commit does not have, with the remedy."""
    remedy = SHALLOW if _git(repository, "rev-parse", "--is-shallow-repository").stdout == "true\n" else ELSEWHERE
    return [
        f"origin {origin.name}, {origin.commit}: {remedy}"
        for origin in every()
        if _git(repository, "merge-base", "--is-ancestor", origin.commit, "HEAD").returncode != 0
    ]


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=False)
