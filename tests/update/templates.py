"""The template as services know it: a repository with its history, its state of today, and a newer one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests import cruft
from tests.update import origins
from tools import options

NEWER = "v9.9.9"


@dataclass(frozen=True)
class Template:
    """A repository whose branch holds the files of the working tree, and whose tag `NEWER` a change of them."""

    path: Path
    today: str
    # The files of the tag.
    newer: Path


def with_history(folder: Path, change: Callable[[Path], None]) -> Template:
    """Clone the history, commit the working tree on top of it, and a changed copy of that on a tag."""
    problems = origins.missing(options.ROOT)
    assert not problems, "\n".join(problems)
    template, newer = folder / "template", folder / "newer"
    cruft.run("git", "clone", "--quiet", "--shared", str(options.ROOT), str(template), cwd=folder)
    cruft.run("git", "switch", "--quiet", "--force-create", "today", cwd=template)
    cruft.run("git", "rm", "--quiet", "-r", ".", cwd=template)
    cruft.working_tree(template)
    today = cruft.commit(template, "today")
    cruft.run("git", "worktree", "add", "--quiet", "--detach", str(newer), cwd=template)
    change(newer)
    cruft.run("git", "tag", NEWER, cruft.commit(newer, "newer"), cwd=template)
    return Template(template, today, newer)
