"""Writes the templates of what a generated service makes by `make slo`: its alert rules and its dashboard.

A service commits these files, so the template has to hold what each service would make. It is taken from services whose
names occur nowhere else, and the names are replaced by the expressions that made them; what only some services have is
put between conditions. Run it after every change to slo.yaml or the folder observability:

    python -m tools.monitoring [PYTHON]

PYTHON is an interpreter with the requirements of the chassis installed; by default the one of the matrix.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter

from tools.derived import interpreter
from tools.options import ROOT, TEMPLATE

RULES = ("observability/rules.yaml", "k8s/components/monitoring/prometheusrule.yaml")
DASHBOARD = "observability/dashboard.json"
ANSWERS = {"service_name": "Zzq", "service_slug": "zzq-slug", "aggregate": "Zzq Entity"}
# Longer forms first, so that none is found inside another.
FORMS = {
    "{{": '{{ "{{" }}',
    '{job=~"zzq-slug|zzq-slug-worker"': "{{ jobs }}",
    '{job=~\\"zzq-slug|zzq-slug-worker\\"': "{{ jobs }}",
    '{job="zzq-slug"': "{{ jobs }}",
    '{job=\\"zzq-slug\\"': "{{ jobs }}",
    "zzq-slug": "{{ cookiecutter.service_slug }}",
    "zzq_entity": "{{ cookiecutter.__entity }}",
}
MESSAGING = 'cookiecutter.broker != "none"'
RABBITMQ = 'cookiecutter.broker == "rabbitmq"'
AUTH = 'cookiecutter.auth != "none"'
SERVER = 'cookiecutter.database in cookiecutter._layers["database/server"]["database"]'
# With the brace before it: three in a row would be read as Jinja's two.
JOBS = f"""\
{{%- set jobs = '{{job=~"' ~ cookiecutter.service_slug ~ "|" ~ cookiecutter.service_slug ~ '-worker"'
    if {MESSAGING} and {SERVER}
    else '{{job="' ~ cookiecutter.service_slug ~ '"' -%}}
"""
IN_JSON = """{%- set jobs = jobs | replace('"', '\\\\"') -%}\n"""
# Stands for a piece that is put in later.
MARK = "\0"
GROUP = re.compile(r"(?m)^(?= *- name: )")


def main(python: str) -> None:
    """Make services with everything, with another broker, without one, without a database server, without `auth`."""
    for path in (*RULES, DASHBOARD):
        (TEMPLATE / path).write_text("made anew")
    open_services, services = (
        [made(python, database="postgresql", broker=broker, auth=auth) for broker in ("rabbitmq", "redis", "none")]
        for auth in ("none", "jwt")
    )
    no_server = made(python, database="sqlite", broker="rabbitmq", auth="jwt")
    for path in RULES:
        others = [service[path] for service in (*services[1:], no_server, open_services[0])]
        groups = GROUP.split(services[0][path])
        (TEMPLATE / path).write_text(JOBS + "".join(conditional(group, *others) for group in groups))
    boards = [service[DASHBOARD] for service in open_services]
    (TEMPLATE / DASHBOARD).write_text(
        JOBS + IN_JSON + with_authentication(nested(*boards), boards, [service[DASHBOARD] for service in services])
    )


def made(python: str, **choices: str) -> dict[str, str]:
    """What a service with these choices makes."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(cookiecutter(str(ROOT), no_input=True, extra_context=ANSWERS | choices, output_dir=folder))
        chassis = os.environ | {"PYTHONPATH": str(project / "chassis" / "src")}
        subprocess.run([python, "-m", "chassis.observability"], cwd=project, env=chassis, check=True)
        return {path: with_placeholders((project / path).read_text()) for path in (*RULES, DASHBOARD)}


def with_placeholders(text: str) -> str:
    """The text with expressions in place of the answers."""
    for form, expression in FORMS.items():
        text = text.replace(form, expression)
    if "zzq" in text.lower():
        raise SystemExit("a form of the name is not known here: " + text[text.lower().index("zzq") :][:60])
    return text


def conditional(part: str, other_broker: str, no_broker: str, no_server: str, no_auth: str) -> str:
    """A part of a file, with the condition under which a service has it."""
    if part not in no_auth:
        return when(AUTH, part)
    if part not in other_broker:
        return when(RABBITMQ, part)
    if part not in no_broker:
        return when(MESSAGING, part)
    return part if part in no_server else when(SERVER, part)


def nested(text: str, shorter: str, shortest: str) -> str:
    """A text of which some services lack a piece, and others a larger one with that piece in it."""
    before, piece, after = difference(text, shorter)
    before, larger, after = difference(before + MARK + after, shortest)
    return (before + when(MESSAGING, larger) + after).replace(MARK, when(RABBITMQ, piece))


def with_authentication(text: str, boards: list[str], longer: list[str]) -> str:
    """The dashboard with its last row, whose place depends on the rows before it: one text, counted from there."""
    places, rows = [], set()
    for board, without in zip(longer, boards, strict=True):
        _, row, end = difference(board, without)
        first, row = counted(row, "id", "first")
        top, row = counted(row, "y", "top")
        places.append((first, top))
        rows.add(row)
    if len(rows) != 1:
        raise SystemExit("the last row of the dashboard differs between brokers by more than its place")
    rabbitmq, messaging, none = places
    where = f"{{% set first, top = {rabbitmq} if {RABBITMQ} else {messaging} if {MESSAGING} else {none} %}}"
    return text.removesuffix(end) + when(AUTH, where + rows.pop()) + end


def counted(text: str, key: str, name: str) -> tuple[int, str]:
    """The first number under a key, and the text with expressions that count from it."""
    numbers = re.compile(rf'"{key}": (\d+)')
    first = int(numbers.findall(text)[0])

    def expression(found: re.Match[str]) -> str:
        return f'"{key}": {{{{ {name} + {int(found[1]) - first} }}}}'

    return first, numbers.sub(expression, text)


def difference(text: str, shorter: str) -> tuple[str, str, str]:
    """The piece of a text that a shorter one lacks, and what is before and after it."""
    before = same_beginning(text, shorter)
    after = len(text) - same_beginning(text[::-1], shorter[before:][::-1])
    return text[:before], text[before:after], text[after:]


def same_beginning(text: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    pairs = enumerate(zip(text, other, strict=False))
    return next((number for number, (mine, yours) in pairs if mine != yours), min(len(text), len(other)))


def when(condition: str, text: str) -> str:
    """A piece that is there only if the condition holds."""
    return f"{{% if {condition} %}}{text}{{% endif %}}"


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else interpreter())
