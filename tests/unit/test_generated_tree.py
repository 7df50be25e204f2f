"""What is in a generated service, and what not: files, leftovers, sizes."""

import ast
import re
import statistics
import tomllib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.baked import Bake, Baked
from tools import options, rendering

TEMPLATE = options.TEMPLATE
TREES = Path(__file__).parent / "trees"
SMALLEST = {"database": "sqlite", "broker": "none", "tracing": "none"}
# What each of these services has, written down by hand: nothing here is computed as the hook computes it.
WRITTEN_DOWN = {
    "default": {},
    "smallest": SMALLEST,
    "mysql-kafka-gitlab": {"database": "mysql", "broker": "kafka", "ci": "gitlab"},
}
MODEL = options.model()
EVERY_CHOICE = [(option, choice) for option, choices in options.choices().items() for choice in choices]
LEFTOVER = re.compile(r"\{%.*|\{\{-?\s*cookiecutter.*|\bcookiecutter\.\w+|\boptions/\w+/\w+")
OF_MESSAGING = re.compile(
    r"\b(asyncapi|broker|consumer|dead.letter|inbox|messaging|outbox|relay|worker)", re.IGNORECASE
)
# Links lead to GitHub from everywhere.
OF_THE_OTHER = {"github": r"gitlab|renovate|\bCI_[A-Z]+", "gitlab": r"github actions|\.github/|GITHUB_|dependabot"}
MAY_BE_EMPTY = {"__init__.py", "py.typed"}
# The last two are written by tools.monitoring.
TAGS = {"pyproject.toml": 25, "README.md": 25, "rules.yaml": 12, "prometheusrule.yaml": 12}
TAGS_ELSEWHERE = 10
LONGEST_FILE = 250
MEDIAN_FILE = 60
# What a team owns: lines and Python files of the package, and files of its tests beside what fires its alerts.
OWNED = {"default": (1_400, 35, 40), "smallest": (1_000, 22, 25)}
# Python files with Jinja where Python has none: no tool reads them before they are rendered.
NOT_PYTHON_YET = 31


@pytest.fixture(params=EVERY_CHOICE, ids="=".join)
def project(request: pytest.FixtureRequest, bake: Bake) -> Baked:
    """A service for each choice, everything else at its default."""
    option, choice = request.param
    return bake(**{option: choice})


@pytest.mark.parametrize("name", WRITTEN_DOWN)
def test_a_service_has_the_files_that_are_written_down(bake: Bake, name: str) -> None:
    expected = set((TREES / f"{name}.txt").read_text(encoding="utf-8").split())
    made = bake(**WRITTEN_DOWN[name]).own_files
    assert (sorted(made - expected), sorted(expected - made)) == ([], []), f"against tests/unit/trees/{name}.txt"


def test_a_service_has_the_files_of_the_base_and_of_its_choices_and_no_others(project: Baked) -> None:
    made = {f"{option}/{choice}" for option, choice in EVERY_CHOICE if project.answers[option] == choice}
    layers = {
        folder
        for folder, conditions in MODEL["_layers"].items()
        for condition in (conditions if isinstance(conditions, list) else [conditions])
        if all(holds(project.answers[option], choices) for option, choices in condition.items())
    }
    expected = named(project, of_the_service(files(TEMPLATE, without="options")))
    for folder in made | layers:
        expected |= named(project, files(TEMPLATE / "options" / folder, without="fragments"))
    assert project.own_files == expected


def test_nothing_is_left_of_the_template(project: Baked) -> None:
    for path in project.own_files:
        assert LEFTOVER.findall(project.read(path)) == [], path


def test_nothing_is_empty(project: Baked) -> None:
    folders = [path for path in project.path.rglob("*") if path.is_dir() and "chassis" not in path.parts]
    assert [folder for folder in folders if not any(folder.iterdir())] == []
    empty = {path for path in project.own_files if not project.read(path).strip()}
    assert {path for path in empty if Path(path).name not in MAY_BE_EMPTY} == set()


def test_every_file_ends_with_one_line_end_and_no_line_with_a_space(project: Baked) -> None:
    for path in project.own_files:
        text = project.read(path)
        assert not re.search(r"[ \t]\n|\r|\n\n\Z|[^\n]\Z", text), path


@pytest.mark.parametrize(
    ("option", "choice"), [(option, choice) for option, choice in EVERY_CHOICE if option in MODEL["_chassis"]]
)
def test_nothing_speaks_of_a_choice_that_was_not_made(bake: Bake, option: str, choice: str) -> None:
    """The names of other choices, and of the packages that only they require."""
    words = {other: names_of(option, other) for other in options.choices()[option]}
    mine = words.pop(choice)
    others = set().union(*words.values()) - mine
    project = bake(**{option: choice})
    for path in project.own_files:
        assert set(words_of(f"{path}\n{project.read(path)}")) & others == set(), path
    for path in chassis_files_about_choices(project):
        assert set(words_of(path)) & others == set(), path
    assert set(words_of(project.read("chassis/pyproject.toml"))) & others == set()


@pytest.mark.parametrize("database", options.choices()["database"])
def test_a_service_without_a_broker_speaks_of_none(bake: Bake, database: str) -> None:
    project = bake(database=database, broker="none")
    for path in project.own_files:
        assert not OF_MESSAGING.findall(f"{path}\n{project.read(path)}"), path


def test_a_service_without_a_broker_has_no_messaging_in_its_chassis(bake: Bake) -> None:
    project = bake(broker="none")
    assert [path for path in project.files if OF_MESSAGING.search(path)] == []
    # What it says of itself is prose.
    lines = [line for line in project.read("chassis/pyproject.toml").splitlines() if not line.startswith("description")]
    assert OF_MESSAGING.findall("\n".join(lines)) == []


@pytest.mark.parametrize("ci", OF_THE_OTHER)
def test_a_service_knows_one_pipeline(bake: Bake, ci: str) -> None:
    project = bake(ci=ci)
    for path in project.own_files:
        assert not re.findall(OF_THE_OTHER[ci], f"{path}\n{project.read(path)}", re.IGNORECASE), path


def test_files_of_the_package_are_small(project: Baked) -> None:
    modules = project.package.rglob("*.py")
    lengths = {path.as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}
    assert statistics.median(lengths.values()) < MEDIAN_FILE


@pytest.mark.parametrize("name", OWNED)
def test_what_a_team_owns_is_small(bake: Bake, name: str) -> None:
    project = bake(**WRITTEN_DOWN[name])
    modules = [path.read_text(encoding="utf-8") for path in project.package.rglob("*.py")]
    tests = [path for path in project.own_files if path.startswith("tests/") and not path.endswith(".yaml")]
    found = (sum(len(text.splitlines()) for text in modules), len(modules), len(tests))
    limits = dict(zip(("lines", "modules", "files of tests"), zip(found, OWNED[name], strict=True), strict=True))
    assert {what: pair for what, pair in limits.items() if pair[0] > pair[1]} == {}


def test_most_python_of_the_template_is_python() -> None:
    """The others are named, so that another one is a decision."""
    unread = set(not_python_yet())
    expected = set((TREES / "not-python-yet.txt").read_text(encoding="utf-8").split())
    assert (sorted(unread - expected), sorted(expected - unread)) == ([], [])
    assert len(unread) <= NOT_PYTHON_YET


def not_python_yet() -> Iterator[str]:
    """Python files of the template, outside the chassis, that do not parse as they are."""
    for path in of_the_service(files(TEMPLATE, without="")):
        if path.endswith(".py"):
            try:
                ast.parse((TEMPLATE / path).read_text(encoding="utf-8"))
            except SyntaxError:
                yield path


def test_every_python_file_of_the_chassis_is_python() -> None:
    for path in options.CHASSIS.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"))


def test_template_files_stay_within_their_budget_of_block_tags() -> None:
    over = {}
    for path in of_the_service(files(TEMPLATE, without="")):
        if not any(fnmatch(path, pattern) for pattern in MODEL["_copy_without_render"]):
            tags = (TEMPLATE / path).read_text(encoding="utf-8").count("{%")
            if tags > TAGS.get(Path(path).name, TAGS_ELSEWHERE):
                over[path] = tags
    assert over == {}


def holds(answer: str, choices: list[str]) -> bool:
    """Whether a layer's condition holds; `!none` stands for every choice but `none`."""
    return answer in choices or any(choice.startswith("!") and choice[1:] != answer for choice in choices)


def files(folder: Path, without: str) -> Iterable[str]:
    """Every file below a folder of the template; one folder directly below it is left out."""
    inside = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [path.as_posix() for path in inside if path.parts[0] != without]


def of_the_service(paths: Iterable[str]) -> Iterable[str]:
    """Without the chassis, which holds no tags and is pruned (test_chassis_pruning.py)."""
    return [path for path in paths if not path.startswith("chassis/")]


def named(project: Baked, paths: Iterable[str]) -> set[str]:
    """The same paths as they are called in this service."""
    return {rendering.text(path, {"cookiecutter": project.answers}) for path in paths}


def words_of(text: str) -> list[str]:
    """Every word, in lower case; a name with hyphens is one."""
    return re.findall(r"[a-z][a-z0-9-]+", text.lower())


def chassis_files_about_choices(project: Baked) -> Iterator[str]:
    """The paths within the chassis; its prose may name what its reader has not chosen, its files may not."""
    for path in project.files:
        if path.startswith("chassis/"):
            yield path.removeprefix("chassis/").replace("/", " ")


def names_of(option: str, choice: str) -> set[str]:
    """What only a service with this choice has a reason to mention."""
    project = tomllib.loads((options.CHASSIS / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    extra = extras.get(choice, []) if choice in MODEL["_chassis"][option]["choices"] else []
    # Tests of every service require those of `testing`; `none` is a word like any other.
    return {choice, *map(options.distribution, extra)} - {"none", *map(options.distribution, extras["testing"])}
