"""Lays the folders of the chosen choices over the base. Run again in a finished service, it finds nothing to do."""

import io
import json
import shlex
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

# The answers arrive as data: in JSON a quote within a text is escaped and three in a row never occur, so no answer can
# end these strings and inject code.
ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
# What cookiecutter.json offers, with the lists of choices; cruft and a replay leave them out.
DECLARED = json.loads(r"""{{ _cookiecutter | default({}) | tojson }}""")

OPTIONS = Path("options")
FRAGMENTS = "fragments"  # pieces that central files include while they are rendered; no files of the service

Plan = dict[Path, list[Path]]
Condition = dict[str, list[str]]


def is_declared(folder: Path) -> bool:
    """Whether `option/choice` or `option/layer` is something that cookiecutter.json knows."""
    if folder.as_posix() in ANSWERS["_layers"]:
        return True
    option, choice = folder.parts
    if option.startswith("_") or option not in ANSWERS:
        return False
    offered = DECLARED.get(option)
    return choice in offered if isinstance(offered, list) else True


def is_chosen(folder: Path) -> bool:
    """Whether these answers bring the folder: it is a choice made, or a layer whose condition holds."""
    condition = ANSWERS["_layers"].get(folder.as_posix())
    if condition is not None:
        return is_met(condition)
    option, choice = folder.parts
    return bool(ANSWERS[option] == choice)


def is_met(condition: Condition | list[Condition]) -> bool:
    """Whether the answer to each of its options is among the choices; of several conditions, one is enough."""
    if isinstance(condition, list):
        return any(is_met(each) for each in condition)
    return all(holds(ANSWERS[option], choices) for option, choices in condition.items())


def holds(answer: str, choices: list[str]) -> bool:
    """Whether an answer is among the choices; `!none` stands for every choice but `none`."""
    return answer in choices or any(choice[0] == "!" and choice != f"!{answer}" for choice in choices)


def laid(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Each file of a folder: where it belongs in the service, and where it is."""
    for source in sorted((OPTIONS / folder).rglob("*")):
        target = source.relative_to(OPTIONS / folder)
        if not source.is_dir() and target.parts[0] != FRAGMENTS:
            yield target, source


def plan(folders: list[Path]) -> Plan:
    """The files that the chosen folders bring; more than one source for a target is a mistake."""
    sources: Plan = defaultdict(list)
    for folder in filter(is_chosen, folders):
        for target, source in laid(folder):
            sources[target].append(source)
    return sources


def collisions(sources: Plan) -> Iterator[str]:
    """An overlay may add files, never replace one."""
    for target, rivals in sources.items():
        names = " and ".join(source.as_posix() for source in rivals)
        if len(rivals) > 1:
            yield f"{target.as_posix()} comes from {names}: only one of them can be laid"
        elif target.exists() and not same(target, rivals[0]):
            yield f"{names} would overwrite {target.as_posix()}, which is there already with other content"
        for parent in target.parents:
            if parent in sources or parent.is_file():
                yield f"{names} needs {parent.as_posix()} to be a folder, but it is a file"


def same(target: Path, source: Path) -> bool:
    """A file that an earlier run laid may be laid again."""
    return target.is_file() and target.read_bytes() == source.read_bytes()


def lay() -> list[str]:
    """Check everything, then move: either all folders are laid or none is."""
    folders = sorted(path.relative_to(OPTIONS) for path in OPTIONS.glob("*/*"))
    stray = [path for path in [*OPTIONS.iterdir(), *OPTIONS.glob("*/*")] if not path.is_dir()]
    problems = [f"{path.as_posix()} belongs to no choice" for path in stray]
    problems += [f"options/{path.as_posix()} names no declared choice" for path in folders if not is_declared(path)]
    if problems:
        return problems
    sources = plan(folders)
    problems = list(collisions(sources))
    if not problems:
        for target, (source,) in sources.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)
        shutil.rmtree(OPTIONS)
    return problems


def next_steps() -> str:
    """What to type now; the hooks themselves neither install nor commit anything."""
    slug = ANSWERS["service_slug"]
    return f"""
{slug} is generated. Next:

    cd {shlex.quote(str(Path.cwd()))}
    git init
    uv sync
    uv run {slug} serve    # needs no server; then open http://127.0.0.1:8000/docs
    uv run pytest
    make help              # everything else
"""


def main() -> int:
    """Lay, then say what comes next."""
    problems = lay() if OPTIONS.is_dir() else []
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a folder's name must not fail on a narrow terminal
    print(next_steps())
    return 0


if __name__ == "__main__":
    sys.exit(main())
