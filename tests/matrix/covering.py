"""Which services the matrix makes: every pair of choices appears in at least one, and every kind of name too.

Both sets grow by themselves: choices come from cookiecutter.json, and free text takes turns.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from allpairspy import AllPairs

from tools import options

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
    offered = options.choices()
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
    chosen = dict(zip(options.choices(), row, strict=False))
    conflicts = [conflict["when"] for conflict in options.model()["_conflicts"]]
    return not any(all(chosen.get(option) in refused for option, refused in when.items()) for when in conflicts)


def _answers(turn: int, chosen: dict[str, str]) -> Answers:
    text = NAMES[turn % len(NAMES)] | TEXTS[turn % len(TEXTS)]
    text |= {"aggregate": AGGREGATES[turn % len(AGGREGATES)], "image_registry": REGISTRIES[turn % len(REGISTRIES)]}
    name = "-".join(re.sub(r"[^a-z0-9.]+", "", choice.lower()) for choice in chosen.values())
    return Answers(name, chosen | text)
