"""The options model, read from the one place that declares it."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def model() -> dict[str, Any]:
    """cookiecutter.json as it stands."""
    loaded: dict[str, Any] = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    return loaded


def choices() -> dict[str, list[str]]:
    """Every option that offers a choice, with what it offers; the default comes first."""
    return {name: value for name, value in model().items() if isinstance(value, list) and not name.startswith("_")}


def requirements() -> list[str]:
    """What all choices together require from the package index."""
    every: set[str] = set()
    for group in (*model()["_requirements"].values(), *model()["_dev_requirements"].values()):
        lists = group.values() if isinstance(group, dict) else [group]
        every.update(requirement for choice in lists for requirement in choice)
    return sorted(every)


def tested_on() -> str:
    """The end of the day whose package versions are known to work together, as uv's `--exclude-newer` wants it."""
    return f"{model()['_tested_on']}T23:59:59Z"
