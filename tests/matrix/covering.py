"""Which services the matrix makes: every pair of choices that change code appears in at least one.

The other options take turns beside them, as free text does: what they change depends on none of the others. The set
grows by itself: choices come from cookiecutter.json, and an option counts as changing code unless it is named here.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from allpairspy import AllPairs

from tools import options

# They change no code that depends on another option.
BESIDE = {"ci", "license", "python_version", "secrets"}
# Ordinary, shortest, longest, and what breaks a template that pastes text into TOML, YAML, Python or Markdown. The
# lists have different lengths, so that each text meets many others.
NAMES = [
    {"service_name": "Order Service"},
    {"service_name": "Ox"},
    {"service_name": "Intercontinental Vessel Contract Keepers"},
    {"service_name": 'R&D "ledger" of C:\\it\'s', "service_slug": "ledger-2", "package_name": "books"},
]
AGGREGATES = ["Order", "Purchase Order Line", "Ox", "Intercontinental Vessel Contract", "Category"]
TEXTS = [
    {"description": "Takes orders and follows each one until it is confirmed or cancelled.", "team": "Platform Team"},
    {
        "description": "Says \"yes\" and 'no'; keeps C:\\temp, 100 % of <b>it</b>, $HOME & #tags: [a] *b* `c`",
        "team": "Å",
    },
    {
        "description": "Führt 注文 und 🐂 zusammen; " + "und prüft sie, " * 15 + "bis: fertig.",
        "team": 'R&D "Core" <it\'s>',
    },
]
REGISTRIES = ["registry.example.com", "localhost:5000/a-team/images"]


@dataclass(frozen=True)
class Answers:
    """What one service is made from."""

    name: str
    answers: dict[str, str]


@cache
def projects() -> list[Answers]:
    """The covering set; the first one is what somebody gets who only presses Enter."""
    offered = {option: choices for option, choices in options.choices().items() if option not in BESIDE}
    pairs = AllPairs(list(offered.values()), filter_func=_allowed)
    return [_answers(turn, dict(zip(offered, pair, strict=True))) for turn, pair in enumerate(pairs)]


def asked(choices: str | None) -> list[Answers]:
    """The covering set, or the one combination that `make check` was asked for: `broker=kafka tracing=none`."""
    if choices is None:
        return projects()
    answers = dict(each.split("=", 1) for each in choices.split())
    defaults = {option: offered[0] for option, offered in options.choices().items()}
    return [Answers("asked", defaults | answers)]


def _allowed(row: Sequence[str]) -> bool:
    """Whether no conflict forbids what is chosen so far."""
    offered = (option for option in options.choices() if option not in BESIDE)
    return not _conflicting(dict(zip(offered, row, strict=False)))


def _conflicting(chosen: dict[str, str]) -> bool:
    conflicts: Iterable[dict[str, list[str]]] = (each["when"] for each in options.model()["_conflicts"])
    return any(all(chosen.get(option) in refused for option, refused in when.items()) for when in conflicts)


def _beside(turn: int, chosen: dict[str, str]) -> dict[str, str]:
    """A choice of each option that takes turns; the first turn takes every default, later ones do not keep in step."""
    offered = {option: choices for option, choices in options.choices().items() if option in BESIDE}
    for number, (option, choices) in enumerate(offered.items()):
        start = turn + turn // len(choices) * number
        in_turn = (choices[(start + step) % len(choices)] for step in range(len(choices)))
        chosen = chosen | {option: _first_possible(option, in_turn, chosen)}
    return chosen


def _first_possible(option: str, choices: Iterable[str], chosen: dict[str, str]) -> str:
    return next(each for each in choices if not _conflicting(chosen | {option: each}))


def _answers(turn: int, chosen: dict[str, str]) -> Answers:
    chosen = _beside(turn, chosen)
    text = NAMES[turn % len(NAMES)] | TEXTS[turn % len(TEXTS)]
    text |= {"aggregate": AGGREGATES[turn % len(AGGREGATES)], "image_registry": REGISTRIES[turn % len(REGISTRIES)]}
    name = "-".join(re.sub(r"[^a-z0-9.]+", "", choice.lower()) for choice in chosen.values())
    return Answers(name, chosen | text)
