"""Reads the how-to documents of a generated service, and does what they say.

A block of code is a step; the line before it ends with a colon and names the file:

- `diff`: an edit. Lines with a space are there already, those with `-` go, those with `+` come. What follows `@@` is in
  a line at or before the place, as in the headers of git; no numbers.
- `sh`: commands, run in the service's folder. The line before needs no name.
- any other language: a new file.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^(?P<indent> *)```(?P<kind>\w+)\n(?P<body>.*?)\n(?P=indent)```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`([^`\s]+)`[^`]*:$")
HEADER = "@@"

Run = Callable[[str], str]


@dataclass(frozen=True)
class Hunk:
    """One place of an edit."""

    path: str
    header: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join((f"{self.path}: {HEADER} {self.header}", *self.lines))

    def apply(self, root: Path, run: Run) -> None:
        """Replace what is there; the path may be a pattern that one file matches."""
        del run
        (file,) = root.glob(self.path)
        there = file.read_text(encoding="utf-8").split("\n")
        before = [line[1:] for line in self.lines if line[:1] != "+"]
        after = [line[1:] for line in self.lines if line[:1] != "-"]
        place = next(self._places(there, before), None)
        assert place is not None, f"not found in the file:\n{self}"
        there[place : place + len(before)] = after
        file.write_text("\n".join(there), encoding="utf-8")

    def instead(self, there: str, other: str) -> "Hunk":
        """With another text."""
        return Hunk(self.path, self.header, tuple(line.replace(there, other) for line in self.lines))

    def _places(self, there: list[str], before: list[str]) -> Iterator[int]:
        first = next((number for number, line in enumerate(there) if self.header in line), len(there))
        return (start for start in range(first, len(there)) if there[start : start + len(before)] == before)


@dataclass(frozen=True)
class NewFile:
    """A file with everything in it."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:\n{self.text}"

    def apply(self, root: Path, run: Run) -> None:
        """Write it where there is none."""
        del run
        file = root / self.path
        assert not file.exists(), f"{self.path} is there already: an edit of it is a diff"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.text, encoding="utf-8")

    def instead(self, there: str, other: str) -> "NewFile":
        """With another text."""
        return NewFile(self.path, self.text.replace(there, other))


@dataclass(frozen=True)
class Command:
    """What is typed."""

    line: str

    def __str__(self) -> str:
        return self.line

    def apply(self, root: Path, run: Run) -> None:
        """Run it."""
        del root
        run(self.line)

    def instead(self, there: str, other: str) -> "Command":
        """With another text."""
        return Command(self.line.replace(there, other))


Step = Hunk | NewFile | Command


@dataclass(frozen=True)
class Recipe:
    """The steps of a document."""

    steps: tuple[Step, ...]

    @classmethod
    def read(cls, document: Path) -> "Recipe":
        """Everything that is to be done, in order."""
        text = document.read_text(encoding="utf-8")
        return cls(tuple(step for block in BLOCK.finditer(text) for step in _steps(text, block)))

    def without(self, *forgotten: str) -> "Recipe":
        """The recipe with steps left out: each step that holds one of these texts."""
        kept = self.steps
        for text in forgotten:
            left = tuple(step for step in kept if text not in str(step))
            assert left != kept, f"no step holds {text!r}"
            kept = left
        return Recipe(kept)

    def instead(self, where: str, there: str, other: str) -> "Recipe":
        """The recipe as a hurried reader follows it: a text is written otherwise in the steps that hold `where`."""
        changed = Recipe(tuple(step.instead(there, other) if where in str(step) else step for step in self.steps))
        assert changed != self, f"no step with {where!r} holds {there!r}"
        return changed

    def by_hand(self) -> "Recipe":
        """The recipe without what make does."""
        return Recipe(tuple(step for step in self.steps if not str(step).startswith("make ")))

    def until(self, command: str) -> "Recipe":
        """The steps before the first one that holds this text."""
        return Recipe(self.steps[: next(number for number, step in enumerate(self.steps) if command in str(step))])

    def apply(self, root: Path, run: Run) -> None:
        """Do it, in the folder of a service; `run` runs a line of a shell there."""
        for step in self.steps:
            step.apply(root, run)


def _steps(text: str, block: re.Match[str]) -> Iterator[Step]:
    body = re.sub(f"^{block['indent']}", "", block["body"], flags=re.MULTILINE)
    if block["kind"] == "sh":
        yield from (Command(line.partition("  #")[0]) for line in body.splitlines() if line.strip())
        return
    said = text[: block.start()].rstrip().rpartition("\n")[2]
    named = NAMED.search(said)
    assert named, f"the line before a block names its file and ends with a colon, not: {said}"
    if block["kind"] != "diff":
        yield NewFile(named[1], f"{body}\n")
        return
    for hunk in re.split(rf"^{HEADER} ", body, flags=re.MULTILINE)[1:]:
        header, *lines = hunk.rstrip("\n").split("\n")
        yield Hunk(named[1], header, tuple(lines))
