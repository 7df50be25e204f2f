"""Writes the templates of `contracts/` from what generated services say of themselves.

The documents hold the aggregate's name in many forms, so they are taken from services whose names occur nowhere else,
and each of them is replaced by the expression that made it. Run it after every change to the API or to an event:

    python -m tools.contract [PYTHON]

PYTHON is an interpreter with the requirements of every choice installed; without it, the one that the matrix uses.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter

from tools import environments, interpreters, options, uv

BROKERS = options.ROOT / "{{cookiecutter.service_slug}}" / "options" / "broker"
ANSWERS = {
    "service_name": "Zzqtitle",
    "service_slug": "zzq-slug",
    "package_name": "zzq_package",
    "aggregate": "Oqq Entity",
    "description": "Zzqdescription",
}
BROKER = "rabbitmq"
# Longer forms first, so that none is found inside another.
FORMS = {
    '"Zzqtitle"': "__title_quoted",
    '"Zzqdescription"': "__description_quoted",
    "zzq-slug": "service_slug",
    "An oqq entity": "__a_noun | capitalize",
    "an oqq entity": "__a_noun",
    "oqq entities": "__nouns",
    "oqq_entities": "__entities",
    "oqq-entities": "__resource",
    "oqq entity": "__noun",
    "oqq_entity": "__entity",
    "oqq-entity": "__kind",
    "OqqEntity": "__Entity",
}
# What differs between brokers, and differs in one place only.
PROTOCOL = '"protocol": "amqp"', "{{ 'amqp' if cookiecutter.broker == 'rabbitmq' else cookiecutter.broker }}"


def main(python: str) -> None:
    """Generate, ask, replace, write."""
    for broker, layer in (("none", "none"), (BROKER, "messaging")):
        with tempfile.TemporaryDirectory() as folder:
            answers = ANSWERS | {"broker": broker}
            project = Path(cookiecutter(str(options.ROOT), no_input=True, extra_context=answers, output_dir=folder))
            replace(BROKERS / layer / "contracts", contracts(python, project, events=broker != "none"))


def contracts(python: str, project: Path, *, events: bool) -> dict[str, str]:
    """Every file of a service's `contracts/`, written by the service's own commands."""
    site = project / "site"
    uv.call("pip", "install", "-q", "--python", python, "--no-deps", "--target", str(site), str(project))
    environment = {**os.environ, "PYTHONPATH": str(site), "LOG_LEVEL": "error"}

    def run(*arguments: str) -> str:
        command = [python, "-m", ANSWERS["package_name"], *arguments]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment, cwd=project)
        return done.stdout

    files = {"openapi.json": run("openapi")}
    if events:
        files["asyncapi.json"] = run("asyncapi")
        written = project / "written"
        run("event-schemas", str(written))
        files |= {f"events/{file.name}": file.read_text(encoding="utf-8") for file in sorted(written.iterdir())}
    return files


def replace(folder: Path, files: dict[str, str]) -> None:
    """Put these files, as templates, in place of what was there."""
    templates = {folder / templated(name, spaces=""): templated(text) for name, text in files.items()}
    shutil.rmtree(folder, ignore_errors=True)
    for file, text in templates.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def templated(text: str, spaces: str = " ") -> str:
    """The expressions instead of the names."""
    for form, expression in FORMS.items():
        text = text.replace(form, f"{{{{{spaces}cookiecutter.{expression}{spaces}}}}}")
    text = text.replace(PROTOCOL[0], f'"protocol": "{PROTOCOL[1]}"')
    if left := re.search(r"(zzq|oqq).{0,60}", text, re.IGNORECASE):
        raise SystemExit(f"a form of the name is not known here: {left[0]}")
    return text


def interpreter() -> str:
    """The one that the matrix runs the default service with."""
    version = options.choices()["python_version"][0]
    found = interpreters.find(version)
    if found is None:
        raise SystemExit(f"Python {version} is missing: {interpreters.HOW_TO_GET.format(version=version)}")
    return str(environments.shared(version, found).python)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else interpreter())
