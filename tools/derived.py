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
AUTH = "jwt"
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
    "Auth": "auth/{auth}",
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
    """Write `contracts/`: what every service has, and what messaging and access tokens add to it."""
    services = {
        (broker, auth): Generated(python, f"{folder}/{broker}-{auth}", broker=broker, auth=auth)
        for broker in ("none", BROKER)
        for auth in ("none", AUTH)
    }
    for service in services.values():
        service.install()
    documents = [
        service.run(ANSWERS["package_name"], "openapi").splitlines(keepends=True) for service in services.values()
    ]
    shutil.rmtree(MESSAGING / "contracts", ignore_errors=True)
    for folder_of_choice in (MESSAGING, OPTIONS / "auth" / AUTH):
        shutil.rmtree(folder_of_choice / "fragments" / "contracts", ignore_errors=True)
    text, messages, auth = with_slots(*documents)
    write(options.TEMPLATE / "contracts" / "openapi.json", SLOTS + templated(text))
    for where, fragments in ((MESSAGING, messages), (OPTIONS / "auth" / AUTH, auth)):
        for name, fragment in fragments.items():
            # No line break, and nothing stripped after it: the indentation of the fragment begins there.
            start = SLOTS.removesuffix("-%}\n") + "%}" if "{{ slot(" in fragment else ""
            write(where / "fragments" / name, start + templated(fragment))
    service = services[BROKER, "none"]
    write(MESSAGING / "contracts" / "asyncapi.json", templated(service.run(ANSWERS["package_name"], "asyncapi")))
    written = service.project / "written"
    service.run(ANSWERS["package_name"], "event-schemas", str(written))
    for file in sorted(written.iterdir()):
        name = templated(file.name, spaces="")
        write(MESSAGING / "contracts" / "events" / name, templated(file.read_text(encoding="utf-8")))


Lines = list[str]


def with_slots(base: Lines, auth: Lines, messages: Lines, both: Lines) -> tuple[str, dict[str, str], dict[str, str]]:
    """The shortest document with a slot wherever others have more.

    Returns:
        the document, the fragments of messaging, and those of access tokens, some of which fill slots of the former.
    """
    of_messages, of_auth, within = added(base, messages), added(base, auth), added(messages, both)
    text, message_fragments, auth_fragments = "", dict[str, str](), dict[str, str]()
    place = 0  # in the document with messages
    for number in range(len(base) + 1):
        if number in of_auth:
            # The same lines are added in both, so they belong to the shorter one.
            del within[place]
            text += new_slot("contracts/auth-{}", auth_fragments, of_auth[number])
        if number in of_messages:
            fragment = ""
            for line in of_messages[number]:
                if place in within:
                    fragment += new_slot("contracts/auth-{}", auth_fragments, within.pop(place))
                fragment += line
                place += 1
            text += new_slot("contracts/openapi-{}", message_fragments, [fragment])
        if number < len(base):
            text += base[number]
            place += 1
    if within:
        raise SystemExit(f"added to neither: {within}")
    return text, message_fragments, auth_fragments


def new_slot(name: str, fragments: dict[str, str], lines: Lines) -> str:
    """A slot, and the fragment that fills it."""
    name = name.format(len(fragments) + 1)
    fragments[name] = "".join(lines)
    return f'{{{{ slot("{name}") }}}}'


def added(shorter: Lines, longer: Lines) -> dict[int, Lines]:
    """What the longer document has more, by the line of the shorter one that it precedes."""
    found: dict[int, Lines] = {}
    for change, start, end, first, last in SequenceMatcher(None, shorter, longer, autojunk=False).get_opcodes():
        if change == "insert":
            found[start] = longer[first:last]
        elif change != "equal":
            raise SystemExit(f"more than added: {''.join(shorter[start:end])}")
    return found


def write_settings(python: str, folder: str) -> None:
    """Write `.env.example` and `docs/configuration.md`, with the sections of each choice in its folder."""
    offered = {option: options.choices()[option] for option in ("database", "broker", "auth", "tracing")}
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
