"""Lays the folders of the chosen choices over the base and removes the others from the chassis.

Run again in a finished service, it finds nothing to do.
"""

import io
import json
import re
import shlex
import shutil
import stat
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

# The answers arrive as data: in JSON a quote within a text is escaped and three in a row never occur, so no answer can
# end these strings and inject code.
ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
# What cookiecutter.json offers, with the lists of choices; cruft and a replay leave them out.
DECLARED = json.loads(r"""{{ _cookiecutter | default({}) | tojson }}""")

OPTIONS = Path("options")
FRAGMENTS = "fragments"  # pieces that central files include while they are rendered; no files of the service
CHASSIS = Path("chassis")
# Left by developing the chassis in place, in the template's working copy.
TRACES = ["__pycache__", "*.egg-info", ".coverage", ".hypothesis", ".*_cache", ".venv", "uv.lock"]
# `# choice: NAME` or `<!-- without: PACKAGE -->`, up to `# end` or `<!-- end -->`.
MARKER = re.compile(r"[ \t]*(?:#|<!--) (?:(choice|without): ([\w -]+?)|end)(?: -->)?[ \t]*\n?")

# The names of the folders in which cruft generates services to compare them.
TEMPORARY = re.compile(r"tmp[a-z0-9_]{8}")

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


def check() -> tuple[Plan, list[str]]:
    """What there is to lay, and what stands in the way."""
    if not OPTIONS.is_dir():
        return {}, []
    folders = sorted(path.relative_to(OPTIONS) for path in OPTIONS.glob("*/*"))
    stray = [path for path in [*OPTIONS.iterdir(), *OPTIONS.glob("*/*")] if not path.is_dir()]
    problems = [f"{path.as_posix()} belongs to no choice" for path in stray]
    problems += [f"options/{path.as_posix()} names no declared choice" for path in folders if not is_declared(path)]
    if problems:
        return {}, problems
    sources = plan(folders)
    return sources, list(collisions(sources))


def lay(sources: Plan) -> None:
    """Move each file to where it belongs; the folders of the other choices go."""
    for target, (source,) in sources.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    if OPTIONS.is_dir():
        shutil.rmtree(OPTIONS)


class Pruning:
    """Removes choices from a chassis: their folders, files and blocks of text, and all traces of development.

    A block stands between `# choice: NAME` (or several names) and `# end`; it stays if one of its choices does. One
    that begins with `# without: PACKAGE` goes with that package.
    """

    def __init__(self, chassis: Path, choices: dict[str, set[str]], packages: set[str]) -> None:
        """Plan it, changing nothing. `choices`: those to remove, by option; `packages`: what goes whole, anywhere."""
        declared = ANSWERS["_chassis"]
        self._chassis, self._packages = chassis, packages
        self._gone = {f"/{name}" for name in packages}
        self._kept, self._known = set[str](), set[str]()
        for option, each in declared.items():
            self._gone |= {f"/{home}/{choice}" for home in each["homes"] for choice in choices[option]}
            self._kept |= {*each["choices"]} - choices[option]
            self._known |= {*each["choices"], *(name for names in each.get("whole", {}).values() for name in names)}
        self.problems: list[str] = []
        self.leaving: list[Path] = []
        self._texts: dict[Path, str] = {}
        if chassis.is_dir():
            self._look(chassis)

    def do(self) -> None:
        """Remove what was planned, and folders that nothing is left in."""
        for path, text in self._texts.items():
            path.write_text(text, encoding="utf-8", newline="")
        for path in self.leaving:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            for parent in path.parents:
                if any(parent.iterdir()):
                    break
                parent.rmdir()

    def _look(self, folder: Path) -> None:
        for path in sorted(folder.iterdir()):
            if self._leaves(path.relative_to(self._chassis)):
                self.leaving.append(path)
            elif path.is_dir():
                self._look(path)
            else:
                self._read(path)

    def _leaves(self, path: Path) -> bool:
        """Whether a folder or a file is a trace, or is named as something that goes; `kafka.md` is named `kafka`."""
        is_trace = any(fnmatch(path.name, trace) for trace in TRACES)
        return is_trace or any(f"/{path.with_suffix('').as_posix()}".endswith(name) for name in self._gone)

    def _read(self, path: Path) -> None:
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError:
            return
        pruned = self.pruned(path, text)
        if pruned != text:
            self._texts[path] = pruned

    def pruned(self, path: Path, text: str) -> str:
        """The text of a file without the blocks of choices that go."""
        return "".join(self._lines(path, text.splitlines(keepends=True)))

    def _lines(self, path: Path, lines: list[str]) -> Iterator[str]:
        """The lines that stay: none of a block whose choice goes, and no markers."""
        blocks: list[bool] = []
        for number, line in enumerate(lines, 1):
            marker = MARKER.fullmatch(line)
            if not marker:
                if all(blocks):
                    yield line
            elif marker[1]:
                names = set(marker[2].split())
                self._complain(names - self._known, f"{path}:{number} names no declared choice: {line.strip()}")
                blocks.append(bool(names & self._kept) if marker[1] == "choice" else not names & self._packages)
            else:
                self._complain(not blocks, f"{path}:{number} ends a block that does not begin")
                blocks = blocks[:-1]
        self._complain(blocks, f"{path} ends within a block")

    def _complain(self, wrong: object, problem: str) -> None:
        if wrong:
            self.problems.append(problem)


def pruning(chassis: Path = CHASSIS) -> Pruning:
    """What goes from the chassis with these answers."""
    declared = ANSWERS["_chassis"]
    choices = {option: set(each["choices"]) - {ANSWERS[option]} for option, each in declared.items()}
    packages = {name for option, each in declared.items() for name in each.get("whole", {}).get(ANSWERS[option], [])}
    return Pruning(chassis, choices, packages)


def make_writable() -> None:
    """Let the owner write: cookiecutter copies the modes of files and folders, and a template may be read-only."""
    for path in [Path(), *Path().rglob("*")]:
        mode = path.lstat().st_mode
        if not mode & stat.S_IWUSR and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) | stat.S_IWUSR)


def is_kept() -> bool:
    """Whether the service stays here; `cruft diff` and `cruft update` generate one in a folder that they remove."""
    folder = Path.cwd().parent
    is_temporary = folder.parent == Path(tempfile.gettempdir()).resolve() and TEMPORARY.fullmatch(folder.name)
    return "_commit" not in ANSWERS or not is_temporary


def next_steps() -> str:
    """What to type now; the hooks themselves neither install nor commit anything."""
    slug = ANSWERS["service_slug"]
    return f"""
{slug} is generated. Next:

    cd {shlex.quote(str(Path.cwd()))}
    git init -b main
    uv sync
    uv run {slug} serve    # needs no server; then open http://127.0.0.1:8000/docs
    uv run pytest
    make help              # everything else
"""


def main() -> int:
    """Check everything, then change: either all of it is done or nothing. Then print what comes next."""
    make_writable()
    sources, problems = check()
    chassis = pruning()
    problems += chassis.problems
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return 1
    lay(sources)
    chassis.do()
    if is_kept():
        show(next_steps())
    return 0


def show(text: str) -> None:
    """Print it; a folder's name must not fail on a narrow terminal."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    print(text)


if __name__ == "__main__":
    sys.exit(main())
