"""Takes an edit of a generated file back to the template: only if rendering the template again gives just that edit.

Every literal piece of the template is followed into what is rendered, so that it is known of each character which
character of which file it is, or that a tag made it. An edit that touches nothing but characters of files is made
there, and then everything is rendered again: what comes out has to be the edited file, byte for byte.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Protocol

from cookiecutter.utils import create_env_with_context
from jinja2 import DictLoader, FileSystemLoader, TemplateError
from jinja2.loaders import ChoiceLoader

from tools import options
from tools.sources import TAGS, Sources, is_copied, shown

# Code points that no text has: a number between them leads from the rendered text to a piece of a file.
OPEN, CLOSE = "\ue000", "\ue001"
WORD = re.compile(r"\w+|\s+|.")
FIRST = re.compile(r"\s*\S")
MARK = re.compile(f"{OPEN}([0-9]+){CLOSE}")


@dataclass(frozen=True)
class Place:
    """A character of a template file."""

    file: Path
    offset: int


Origins = list[Place | None]


@dataclass
class Refused(Exception):  # noqa: N818 - an answer to whoever edits
    """The edit cannot go back; here is where it would have to be made by hand."""

    file: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{shown(self.file)}:{self.line}: {self.reason}"


class Way(Protocol):
    """How files of the template become one file of a service."""

    def render(self, texts: Mapping[Path, str]) -> str:
        """The file of the service, with these texts instead of those on disk. Raises TemplateError."""

    def origins(self, rendered: str) -> Origins:
        """Where each character of what is rendered now comes from."""


@dataclass(frozen=True)
class Copied:
    """A file of the chassis, or one that is copied without rendering; blocks of choices may be cut from it."""

    file: Path
    sources: Sources

    def render(self, texts: Mapping[Path, str]) -> str:
        """Without what was not chosen."""
        text = texts[self.file] if self.file in texts else read(self.file)
        if options.CHASSIS in self.file.parents:
            text = str(self.sources.pruning.pruned(self.file, text))
        return text

    def origins(self, rendered: str) -> Origins:
        """Its lines are lines of the file, in the same order."""
        found: Origins = []
        offset, rest = 0, iter(read(self.file).splitlines(keepends=True))
        for line in rendered.splitlines(keepends=True):
            for candidate in rest:
                offset += len(candidate)
                if candidate == line:
                    break
            found += [Place(self.file, offset - len(line) + index) for index in range(len(line))]
        return found


@dataclass(frozen=True)
class Rendered:
    """A file that is rendered, with the fragments in its slots."""

    file: Path
    sources: Sources

    def render(self, texts: Mapping[Path, str]) -> str:
        """As cookiecutter does."""
        context = {"cookiecutter": dict(self.sources.answers)}
        environment = create_env_with_context(context)
        named = {path.relative_to(options.TEMPLATE).as_posix(): text for path, text in texts.items()}
        files = FileSystemLoader([options.TEMPLATE, options.ROOT / "templates"])
        environment.loader = ChoiceLoader([DictLoader(named), files])
        name = self.file.relative_to(options.TEMPLATE).as_posix()
        return str(environment.get_template(name).render(**context))

    def origins(self, rendered: str) -> Origins:
        """Each line of literal text carries a mark through rendering, and with it its neighbors."""
        marks: list[Place] = []
        pieces = {file: Pieces(read(file)) for file in self.sources.all_of(self.file)}
        found: Origins = [None] * len(rendered)
        try:
            marked = self.render({file: _marked(file, piece, marks) for file, piece in pieces.items()})
        except TemplateError:
            return found
        if MARK.sub("", marked) != rendered:
            return found
        removed = 0
        for mark in MARK.finditer(marked):
            place = marks[int(mark[1])]
            _follow(place, pieces[place.file], mark.start() - removed - 1, rendered, found)
            removed += len(mark[0])
        return found


class Pieces:
    """A template and which parts of it are literal text."""

    def __init__(self, text: str) -> None:
        tags = [tag.span() for tag in TAGS.finditer(text)]
        starts, ends = [0, *(end for _, end in tags)], [*(start for start, _ in tags), len(text)]
        self.text = text
        self.literals = list(zip(starts, ends, strict=True))
        self._starts = starts

    def around(self, offset: int) -> tuple[int, int]:
        """The literal part that this character belongs to."""
        return self.literals[bisect_right(self._starts, offset) - 1]


def read(file: Path) -> str:
    """The text with its line ends as they are."""
    return file.read_bytes().decode()


def way(file: Path, sources: Sources) -> Way:
    """How this file of the template reaches the service."""
    return (Copied if is_copied(file) else Rendered)(file, sources)


def changes(file: Path, sources: Sources, edited: str) -> dict[Path, str]:
    """The new texts of template files that make exactly this edit. Raises Refused."""
    how = way(file, sources)
    before = how.render({})
    if edited == before:
        return {}
    origins = how.origins(before)
    for attempt in _attempts(before, edited, origins):
        try:
            if how.render(attempt) == edited:
                return attempt
        except TemplateError:
            continue
    raise _refusal(file, before, edited, origins)


def _attempts(before: str, edited: str, origins: Origins) -> Iterator[dict[Path, str]]:
    for split in (_by_lines, _by_characters):
        for after in (True, False):
            texts = _applied(list(split(before, edited)), origins, after=after)
            if texts is not None:
                yield texts


Hunk = tuple[int, int, str]


def _by_lines(before: str, edited: str) -> Iterator[Hunk]:
    """Whole lines: what stood from here to there, and what stands there now."""
    old, new = before.splitlines(keepends=True), edited.splitlines(keepends=True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield starts[i1], starts[i2], "".join(new[j1:j2])


def _by_characters(before: str, edited: str) -> Iterator[Hunk]:
    """Within the lines that differ, only what differs."""
    for start, end, text in _by_lines(before, edited):
        old, new = WORD.findall(before, start, end), WORD.findall(text)
        starts = [start]
        for word in old:
            starts.append(starts[-1] + len(word))
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag != "equal":
                yield starts[i1], starts[i2], "".join(new[j1:j2])


def _applied(hunks: list[Hunk], origins: Origins, *, after: bool) -> dict[Path, str] | None:
    """The files with these changes; None if one touches what a tag has made.

    What is inserted between two pieces goes `after` the first one, or before the second.
    """
    texts: dict[Path, str] = {}
    for start, end, text in reversed(hunks):
        span = _span(start, end, origins, after=after)
        if span is None:
            return None
        file, first, last = span
        source = texts[file] if file in texts else read(file)
        texts[file] = source[:first] + text + source[last:]
    return texts


def _span(start: int, end: int, origins: Origins, *, after: bool) -> tuple[Path, int, int] | None:
    """Which part of which file a part of the rendered text is."""
    if start == end:
        neighbors = [(start - 1, 1), (start, 0)]
        for index, beyond in neighbors if after else reversed(neighbors):
            if 0 <= index < len(origins) and (place := origins[index]):
                return place.file, place.offset + beyond, place.offset + beyond
        return None
    first = origins[start]
    if first is None:
        return None
    for index in range(start, end):
        if origins[index] != Place(first.file, first.offset + index - start):
            return None
    return first.file, first.offset, first.offset + end - start


def _refusal(file: Path, before: str, edited: str, origins: Origins) -> Refused:
    start, _, _ = next(_by_characters(before, edited))
    nearest = next((place for place in reversed(origins[: start + 1]) if place), Place(file, 0))
    line = read(nearest.file).count("\n", 0, nearest.offset) + 1
    return Refused(nearest.file, line, "a tag makes what was changed, or it would change elsewhere too; edit it there")


def _marked(file: Path, pieces: Pieces, marks: list[Place]) -> str:
    """A template with marks: one behind the first character of each line of literal text.

    None stands at the edge of a literal part, where tags remove white space.
    """
    text, parts, done = pieces.text, list[str](), 0
    for start, end in pieces.literals:
        at = start
        while at >= 0 and (line := FIRST.match(text, at, end)):
            parts += [text[done : line.end()], f"{OPEN}{len(marks)}{CLOSE}"]
            done = line.end()
            marks.append(Place(file, done - 1))
            at = text.find("\n", done, end)
    return "".join([*parts, text[done:]])


def _follow(place: Place, pieces: Pieces, position: int, rendered: str, found: Origins) -> None:
    """From one character in both directions, as long as the file and what is rendered are the same."""
    start, end = pieces.around(place.offset)
    for step in (1, -1):
        offset, index = place.offset, position
        while start <= offset < end and 0 <= index < len(rendered) and pieces.text[offset] == rendered[index]:
            here = Place(place.file, offset)
            if offset != place.offset and found[index] == here:
                break  # followed from another mark
            found[index] = here
            offset, index = offset + step, index + step
