"""A newer template, made from today's: it changes what a real version would change, so that every run merges."""

import json
from pathlib import Path

from tools import options

SERVICE = options.TEMPLATE.name
PACKAGE = f"{SERVICE}/src/{{{{cookiecutter.package_name}}}}"
ENTITIES = "{{cookiecutter.__entities}}"
SERVICE_README = f"{SERVICE}/README.md"
MIGRATION_FAILED = f"{SERVICE}/options/database/*/docs/runbooks/migration-failed.md"
RENAMED = f"{SERVICE}/tests/unit/domain/test_{ENTITIES}.py"

# File (a pattern may match several), text, text instead.
CHANGED = (
    (SERVICE_README, "**Try again after 503**, after", "**Try again after 503**, not before"),
    (f"{PACKAGE}/bootstrap.py", "For a first look and for tests:", "For a first look, and for fast tests:"),
    (
        f"{SERVICE}/chassis/src/chassis/identity.py",
        "The current time in UTC.",
        "The time in UTC, from the machine.",
    ),
    (RENAMED, "and its rules.", "and all of its rules."),
    (MIGRATION_FAILED, "## Symptoms", "## Symptoms\n\nThe release stops."),
)
NEW = {
    f"{SERVICE}/docs/newer.md": "# Newer\n\n{{ cookiecutter._newer }} {{ cookiecutter.audit }}\n",
    f"{SERVICE}/options/database/newer/docs/newer-layer.md": "# A layer\n",
    f"{SERVICE}/options/audit/file/docs/audit.md": "# An option\n",
}
REMOVED = f"{SERVICE}/docs/how-to/add-a-query.md"
TESTED_ON = "2027-01-31"


def change(template: Path) -> None:
    """Change the files of a template."""
    for pattern, there, instead in CHANGED:
        for file in _matching(template, pattern):
            text = file.read_text(encoding="utf-8")
            assert text.count(there) == 1, f"{there!r} is not once in {file}: choose another text to change"
            file.write_text(text.replace(there, instead), encoding="utf-8")
    for name, text in NEW.items():
        (template / name).parent.mkdir(parents=True, exist_ok=True)
        (template / name).write_text(text, encoding="utf-8")
    (template / REMOVED).unlink()
    _declare(template / "cookiecutter.json")


def _matching(template: Path, pattern: str) -> list[Path]:
    files = list(template.glob(pattern))
    assert files, f"no file matches {pattern}"
    return files


def _declare(model: Path) -> None:
    """A private variable, a layer, a later day of the versions, and an option whose first choice brings nothing."""
    declared = json.loads(model.read_text(encoding="utf-8"))
    declared = {"audit": ["none", "file"], **declared}
    declared["__prompts__"]["audit"] = {
        "__prompt__": "What is audited?",
        "none": "None - nothing",
        "file": "File - all",
    }
    declared["_newer"] = "A private variable."
    declared["_layers"]["database/newer"] = {"database": ["postgresql", "mysql", "sqlite"]}
    declared["_tested_on"] = TESTED_ON
    model.write_text(json.dumps(declared, indent=2), encoding="utf-8")
