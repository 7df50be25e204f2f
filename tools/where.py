"""Says which files of the template a file of a service comes from: `make where FILE=k8s/deployment.yaml`."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tools import options, rendering
from tools.sources import Sources, has_tags, made_by, shown


def lines(path: str, sources: Sources) -> Iterator[str]:
    """The source, what fills its slots, and what has to be known before editing it."""
    file = sources.files[path]
    yield f"{path} comes from {shown(file)}"
    if path.startswith("chassis/"):
        yield "  the chassis is copied as it is; `make chassis` checks it there"
    elif command := made_by(path):
        yield f"  it is written by a tool, not edited: {command}"
    elif not has_tags(file):
        yield "  it has no tags: what stands in one stands in the other"
    for slot, fragments in sources.fragments(file).items():
        yield f"  slot {slot}" + ("" if fragments else ": nothing with these choices")
        yield from (f"    {shown(fragment)}" for fragment in fragments)


def elsewhere(path: str) -> Iterator[str]:
    """The choices with which there is such a file, where the asked ones have none."""
    for option, choices in options.choices().items():
        for choice in choices[1:]:
            if path in (sources := Sources(rendering.answers(**{option: choice}))).files:
                yield f"{path} is there with {option}={choice}:"
                yield from lines(path, sources)


def asked_for(given: str, sources: Sources) -> str:
    """The path within a service, whether it was given so, with `build/dev/NAME` before it, or as an absolute path."""
    path = Path(given).resolve().relative_to(options.ROOT).as_posix() if Path(given).is_absolute() else given
    parts = path.removeprefix("./").split("/")
    if parts[:1] == ["build"]:
        parts = parts[3:]
    path = "/".join(parts)
    return path if path in sources.files else re.sub(r"^src/[^/]+", f"src/{sources.answers['package_name']}", path)


def main(arguments: list[str]) -> int:
    """`FILE [option=choice ...]`; choices may also come as the variable CHOICES."""
    given = [*os.environ.get("CHOICES", "").split(), *arguments]
    answers = dict(each.split("=", 1) for each in given if "=" in each)
    files = [each for each in given if "=" not in each]
    if not files or not files[0]:
        print("Which file? For example: make where FILE=k8s/deployment.yaml", file=sys.stderr)
        return 2
    sources = Sources(rendering.answers(**answers))
    path = asked_for(files[0], sources)
    found = list(lines(path, sources)) if path in sources.files else list(elsewhere(path))
    print("\n".join(found) or f"no choice brings a file {path}")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
