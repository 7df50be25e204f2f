"""The options model, read from the one place that declares it."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "{{cookiecutter.service_slug}}"
CHASSIS = TEMPLATE / "chassis"


def model() -> dict[str, Any]:
    """cookiecutter.json as it stands."""
    loaded: dict[str, Any] = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    return loaded


def choices() -> dict[str, list[str]]:
    """Every option that offers a choice, with what it offers; the default comes first."""
    return {name: value for name, value in model().items() if isinstance(value, list) and not name.startswith("_")}


def requirements() -> list[str]:
    """What services with any choices require from the package index: the chassis whole, and their own tools."""
    return sorted({*chassis_requirements(), *model()["_dev_requirements"]})


def chassis_requirements() -> list[str]:
    """What the chassis requires, with all extras and what it is developed with."""
    declared = tomllib.loads((CHASSIS / "pyproject.toml").read_text(encoding="utf-8"))
    project = declared["project"]
    lists = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *declared["dependency-groups"].values(),
    ]
    return sorted({requirement for each in lists for requirement in each})


def distribution(requirement: str) -> str:
    """The name in a requirement, as the index writes it."""
    return re.sub(r"[._]", "-", re.split(r"[^\w.-]", requirement)[0].lower())


def chassis_distributions() -> list[str]:
    """The names of what the chassis requires; `_chassis_distributions` repeats them for the hook."""
    return sorted({distribution(requirement) for requirement in chassis_requirements()})


def chassis_extras(answers: dict[str, Any]) -> list[str]:
    """The extras of the chassis that a service with these answers asks for, in the order of the options."""
    declared = model()["_chassis"]
    return [answers[option] for option, each in declared.items() if answers[option] in each["choices"]]


def tested_on() -> str:
    """The end of the day whose package versions are known to work together, as uv's `--exclude-newer` wants it."""
    return f"{model()['_tested_on']}T23:59:59Z"
