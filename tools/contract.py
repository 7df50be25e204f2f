"""Writes the template of `contracts/openapi.json` from what a generated service serves.

The document holds the aggregate's name in many forms, so it is taken from a service whose names occur nowhere else,
and each of them is replaced by the expression that made it. Run it after every change to the API:

    python tools/contract.py PYTHON

PYTHON is an interpreter with the service's requirements installed.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "{{cookiecutter.service_slug}}" / "contracts" / "openapi.json"
ANSWERS = {
    "service_name": "Zzqtitle",
    "service_slug": "zzq-slug",
    "package_name": "zzq_package",
    "aggregate": "Zzq Entity",
    "description": "Zzqdescription",
}
# Longer forms first, so that none is found inside another.
FORMS = {
    '"Zzqtitle"': "__title_quoted",
    '"Zzqdescription"': "__description_quoted",
    "zzq-slug": "service_slug",
    "A zzq entity": "__a_noun | capitalize",
    "a zzq entity": "__a_noun",
    "zzq entities": "__nouns",
    "zzq_entities": "__entities",
    "zzq-entities": "__resource",
    "zzq entity": "__noun",
    "zzq_entity": "__entity",
    "ZzqEntity": "__Entity",
}


def main(python: str) -> None:
    """Generate, ask, replace, write."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(cookiecutter(str(ROOT), no_input=True, extra_context=ANSWERS, output_dir=folder))
        document = served_document(python, project)
    for form, expression in FORMS.items():
        document = document.replace(form, "{{ cookiecutter." + expression + " }}")
    if "zzq" in document.lower():
        raise SystemExit("a form of the name is not known here: " + document[document.lower().index("zzq") :][:60])
    TARGET.write_text(document)


def served_document(python: str, project: Path) -> str:
    """What the service's own command prints."""
    site = project / "site"
    subprocess.run(
        ["uv", "pip", "install", "-q", "--python", python, "--no-deps", "--target", str(site), str(project)],
        check=True,
    )
    environment = {**os.environ, "PYTHONPATH": str(site), "LOG_LEVEL": "error"}
    command = [python, "-m", ANSWERS["package_name"], "openapi"]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=project).stdout


if __name__ == "__main__":
    main(sys.argv[1])
