"""Writes the templates of documents that a service makes from its code: contracts, and documents of its settings.

Documents hold the service's names in many forms. They are taken from services whose names occur nowhere else, and each
name is replaced by the expression that made it. What only some choices bring becomes a fragment of their folders.
Run it after every change of the API, an event or a setting:

    python -m tools.derived [PYTHON]

PYTHON is an interpreter with the requirements of every choice installed; by default the one of the matrix.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

from cookiecutter.main import cookiecutter

from tools import environments, interpreters, options, uv

OPTIONS = options.TEMPLATE / "options"
MESSAGING = OPTIONS / "broker" / "messaging"
BROKER = "rabbitmq"
ANSWERS = {
    "service_name": "Zzqtitle",
    "service_slug": "zzq-slug",
    "package_name": "zzq_package",
    "aggregate": "Oqq Entity",
    "description": "Zzqdescription",
}
# Longer forms first, so that none is found inside another.
FORMS = {
    '"Zzqtitle"': "__title_quoted",
    '"Zzqdescription"': "__description_quoted",
    "zzq-slug": "service_slug",
    "zzq_package": "package_name",
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
# It differs between brokers, and in one place only.
PROTOCOL = '"protocol": "amqp"', "{{ 'amqp' if cookiecutter.broker == 'rabbitmq' else cookiecutter.broker }}"
SLOTS = '{%- from "slots.jinja" import slot with context -%}\n'
# Where the sections of settings that only some choices have belong; the others are in every service.
SECTIONS = {
    "Database": "database/{database}",
    "Broker": "broker/{broker}",
    "Outbox": "broker/messaging",
    "Consumer": "broker/messaging",
    "Worker": "broker/messaging",
    "Tracing": "tracing/{tracing}",
}
SETTINGS = f"{ANSWERS['package_name']}.config.settings:Settings"
DOCUMENTS = {"example": Path(".env.example"), "reference": Path("docs/configuration.md")}


class Generated:
    """A service with the names of ANSWERS, which writes its own documents."""

    def __init__(self, python: str, folder: str, **answers: str) -> None:
        answers = ANSWERS | answers
        self._python = python
        self.project = Path(cookiecutter(str(options.ROOT), no_input=True, extra_context=answers, output_dir=folder))
        self._site = self.project / "site"
        self._target = "pip", "install", "-q", "--python", python, "--no-deps", "--target", str(self._site)

    def install(self) -> None:
        """Make its commands available."""
        uv.call(*self._target, str(self.project), str(self.project / "chassis"))

    def run(self, *arguments: str) -> str:
        """What a module prints."""
        paths = os.pathsep.join(map(str, (self._site, self.project / "src", self.project / "chassis" / "src")))
        environment = {**os.environ, "PYTHONPATH": paths, "LOG_LEVEL": "error", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [self._python, "-m", *arguments]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment, cwd=self.project)
        return done.stdout


def main(python: str) -> None:
    """Generate, run, replace, write."""
    with tempfile.TemporaryDirectory() as folder:
        write_contracts(python, folder)
    with tempfile.TemporaryDirectory() as folder:
        write_settings(python, folder)


def write_contracts(python: str, folder: str) -> None:
    """Write `contracts/`: what every service has, and what messaging adds to it."""
    services = {broker: Generated(python, f"{folder}/{broker}", broker=broker) for broker in ("none", BROKER)}
    for service in services.values():
        service.install()
    base, full = (service.run(ANSWERS["package_name"], "openapi") for service in services.values())
    shutil.rmtree(MESSAGING / "contracts", ignore_errors=True)
    slotted, additions = with_slots(base, full, "contracts/openapi-{}")
    write(options.TEMPLATE / "contracts" / "openapi.json", SLOTS + templated(slotted))
    shutil.rmtree(MESSAGING / "fragments" / "contracts", ignore_errors=True)
    for name, text in additions.items():
        write(MESSAGING / "fragments" / name, templated(text))
    service = services[BROKER]
    write(MESSAGING / "contracts" / "asyncapi.json", templated(service.run(ANSWERS["package_name"], "asyncapi")))
    written = service.project / "written"
    service.run(ANSWERS["package_name"], "event-schemas", str(written))
    for file in sorted(written.iterdir()):
        name = templated(file.name, spaces="")
        write(MESSAGING / "contracts" / "events" / name, templated(file.read_text(encoding="utf-8")))


def with_slots(base: str, full: str, name: str) -> tuple[str, dict[str, str]]:
    """The shorter text with a slot wherever the longer one has more, and what belongs in each slot."""
    shorter, longer = base.splitlines(keepends=True), full.splitlines(keepends=True)
    text, additions = "", dict[str, str]()
    for change, start, end, added, last in SequenceMatcher(None, shorter, longer, autojunk=False).get_opcodes():
        if change == "insert":
            slot = name.format(len(additions) + 1)
            additions[slot] = "".join(longer[added:last])
            text += f'{{{{ slot("{slot}") }}}}'
        elif change == "equal":
            text += "".join(shorter[start:end])
        else:
            raise SystemExit(f"more than added: {''.join(shorter[start:end])}")
    return text, additions


def write_settings(python: str, folder: str) -> None:
    """Write `.env.example` and `docs/configuration.md`, with the sections of each choice in its folder."""
    offered = {option: options.choices()[option] for option in ("database", "broker", "tracing")}
    for number in range(max(map(len, offered.values()))):
        answers = {option: choices[number % len(choices)] for option, choices in offered.items()}
        service = Generated(python, f"{folder}/{number}", **answers)
        kinds = {kind: service.run("chassis.settings.documents", kind, SETTINGS) for kind in DOCUMENTS}
        for kind, file in DOCUMENTS.items():
            introduction, parts = sections(kinds[kind], kinds["reference"])
            slot = f'{{{{ slot("{file.name}") }}}}'
            base = introduction + slot.join(around(parts))
            write(options.TEMPLATE / file, SLOTS + templated(base.removesuffix("\n")))
            fragments: dict[str, str] = {}
            for section in parts.keys() & SECTIONS.keys():
                where = SECTIONS[section].format(**answers)
                fragments[where] = "".join(
                    text for name, text in parts.items() if SECTIONS.get(name) == SECTIONS[section]
                )
            for where, text in fragments.items():
                write(OPTIONS / where / "fragments" / file.name, templated(text))


def sections(document: str, reference: str) -> tuple[str, dict[str, str]]:
    """What precedes the sections, and each section by its name; the reference has the names, in the same order."""
    names = re.findall(r"(?m)^## (\w+)$", reference)
    introduction, *parts = re.split(r"(?m)^(?=## )", f"{document}\n")
    return introduction, dict(zip(names, parts, strict=True))


def around(parts: dict[str, str]) -> Iterator[str]:
    """The sections that every service has: those before the ones of choices, and those after them."""
    chosen = [number for number, name in enumerate(parts) if name in SECTIONS]
    texts = list(parts.values())
    yield "".join(texts[: chosen[0]])
    yield "".join(texts[chosen[-1] + 1 :])


def write(file: Path, text: str) -> None:
    """Write a template."""
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
