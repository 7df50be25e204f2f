"""A service that a team created with cruft, edits and updates; and what an update has to keep and to bring."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import cruft
from tests.cruft import Contents

MARKER = re.compile(rb"^(<{7}|>{7}) ", re.MULTILINE)
REJECTED = ".rej"


class Service:
    """A folder with a service, and its repository."""

    def __init__(self, path: Path) -> None:
        """Use a folder that has a `.cruft.json`."""
        self.path = path

    @classmethod
    def created(cls, template: Path, commit: str, answers: dict[str, str], folder: Path) -> "Service":
        """Create one from a commit of the template, and commit what was generated."""
        given = ["--no-input", "--extra-context", json.dumps(answers)]
        cruft.cruft("create", str(template), "--checkout", commit, *given, cwd=folder)
        (path,) = folder.iterdir()
        cruft.commit(path, "generated")
        return cls(path)

    @property
    def answers(self) -> dict[str, Any]:
        """The answers that `.cruft.json` records."""
        recorded = json.loads((self.path / ".cruft.json").read_text(encoding="utf-8"))
        return dict(recorded["context"]["cookiecutter"])

    def copy(self, folder: Path) -> "Service":
        """The same service at another place."""
        return Service(shutil.copytree(self.path, folder / self.path.name))

    def edit(self, edit: Callable[[Path], None]) -> None:
        """Edit its files, and commit."""
        edit(self.path)
        cruft.commit(self.path, "edited")

    def update(self, *arguments: str) -> str:
        """Update it without questions. Returns what cruft printed."""
        return cruft.cruft("update", "--skip-apply-ask", *arguments, cwd=self.path)

    def contents(self) -> Contents:
        """Every file."""
        return cruft.contents(self.path)

    def conflicts(self) -> list[str]:
        """Files that an update left to be resolved, found as docs/upgrading.md says; none has hidden markers."""
        unmerged = cruft.run("git", "diff", "--name-only", "--diff-filter=U", cwd=self.path).splitlines()
        rejected = cruft.run("git", "ls-files", "--others", f"*{REJECTED}", cwd=self.path).splitlines()
        marked = {name for name, (content, _) in self.contents().items() if MARKER.search(content)}
        assert marked <= {*unmerged}
        return sorted({*unmerged, *(name.removesuffix(REJECTED) for name in rejected)})


@dataclass(frozen=True)
class Update:
    """Four states of a service: generated, edited by its team, updated, and fresh from the newer template."""

    generated: Contents
    edited: Contents
    updated: Contents
    fresh: Contents

    @property
    def touched(self) -> set[str]:
        """The files that the team added, changed or deleted."""
        names = {*self.generated, *self.edited}
        return {name for name in names if self.generated.get(name) != self.edited.get(name)}

    def problems(self, conflicts: list[str]) -> list[str]:
        """Whatever is lost, came back or differs from a fresh service; the team reviews files in conflict."""
        rejected = {name for name in self.updated if name.endswith(REJECTED)}
        untouched = {*self.updated, *self.fresh} - self.touched - rejected
        differing = [name for name in untouched if self.updated.get(name) != self.fresh.get(name)]
        changed = [name for name in self.touched - {*conflicts} if not self._is_kept(name)]
        return [f"{name} is not as in a fresh service" for name in sorted(differing)] + [
            f"{name}: the edit or the update of it is lost" for name in sorted(changed)
        ]

    def _is_kept(self, name: str) -> bool:
        """Whether a file has the edit of the team, and the change of the template where both left it in place."""
        edited, updated = self.edited.get(name), self.updated.get(name)
        if edited is None or updated is None:
            return edited == updated
        fresh, generated = self.fresh.get(name), self.generated.get(name)
        if fresh is None or generated is None:
            return edited == updated
        return _lines(updated) == _sum(_lines(edited), _lines(fresh), _lines(generated))


def _lines(file: tuple[bytes, bool]) -> Counter[bytes]:
    return Counter(file[0].splitlines())


def _sum(edited: Counter[bytes], fresh: Counter[bytes], generated: Counter[bytes]) -> Counter[bytes]:
    """The lines of a file after both changes."""
    total = Counter(edited)
    total.update(fresh)
    total.subtract(generated)
    return +total
