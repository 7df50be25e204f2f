"""The chassis as a package on an index, and a service that takes it from there, as docs/chassis-package.md says."""

import json
import re
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.baked import Baked
from tests.project import Project
from tools import environments, interpreters, options, rendering, uv

DOCUMENT = "docs/chassis-package.md"
# The document's example, and a folder of wheels in its place.
INDEX, WHEELS = 'url = "https://packages.example.com/simple"', 'url = "wheels"\nformat = "flat"'
# Only `cruft create` makes this file, and ends it so.
CRUFT: dict[str, object] = {"template": "gh:org/template", "commit": "0" * 40, "context": {}, "directory": None}


@dataclass(frozen=True)
class Change:
    """Lines of a file that the document replaces."""

    file: str
    old: str
    new: str

    def apply(self, service: Path) -> None:
        """The old lines have to be there, once."""
        path = service / self.file
        text = f"\n{path.read_text(encoding='utf-8')}"
        found = text.count(self.old)
        assert found == 1, f"{DOCUMENT} changes lines that {self.file} has {found} times:{self.old}"
        path.write_text(text.replace(self.old, self.new)[1:], encoding="utf-8")


def changes(document: str) -> list[Change]:
    """The changes that the document lists in its blocks of `diff`, whose hunks name no line numbers."""
    return [
        Change(file, _lines(hunk, " -"), _lines(hunk, " +"))
        for file, hunks in re.findall(r"```diff\n--- a/(.+)\n\+\+\+ b/\1\n@@\n(.*?)```", document, re.DOTALL)
        for hunk in hunks.split("@@\n")
    ]


def _lines(hunk: str, signs: str) -> str:
    """One side of a hunk; an empty line is a line of both. Both sides begin with the end of the line before."""
    kept = [line[1:] for line in hunk.splitlines() if (line or " ")[0] in signs]
    return "".join(f"\n{line}" for line in kept) + "\n"


def publish(folder: Path) -> Path:
    """A folder of wheels with the template's whole chassis, from a copy without traces of development."""
    traces = shutil.ignore_patterns(*rendering.hook("post_gen_project", rendering.answers()).TRACES)
    source = shutil.copytree(options.CHASSIS, folder / "chassis", ignore=traces)
    uv.call("build", "--quiet", "--wheel", "--out-dir", str(folder / "wheels"), str(source))
    return folder / "wheels"


class Detached(Project):
    """A service without the folder: it has what `uv sync` installs, and nothing else."""

    def __init__(self, baked: Baked, folder: Path, wheels: Path) -> None:
        """Do what the document tells its owner to do."""
        super().__init__(baked, folder)
        shutil.rmtree(self.path / "chassis")
        shutil.copytree(wheels, self.path / "wheels")
        (self.path / ".cruft.json").write_text(json.dumps(CRUFT, indent=2) + "\n", encoding="utf-8")
        self.changes = changes(self.baked.read(DOCUMENT))
        for change in self.changes:
            change.apply(self.path)
        Change("pyproject.toml", INDEX, WHEELS).apply(self.path)

    @cached_property
    def environment(self) -> environments.Environment:
        """Locked and installed from the index that the service names and the public one."""
        interpreter = interpreters.find(self._python)
        assert interpreter
        uv.call("lock", "--python", str(interpreter), cwd=self.path)
        uv.call("sync", "--locked", "--python", str(interpreter), cwd=self.path)
        return environments.Environment(self.path / ".venv")
