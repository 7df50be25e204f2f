"""Refuses answers that could not become a working service: each problem in one line, and nothing is generated."""

import builtins
import json
import keyword
import re
import sys
from collections.abc import Callable, Iterator

# The answers arrive as data: in JSON a quote within a text is escaped and three in a row never occur, so no answer can
# end these strings and inject code.
ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
# What cookiecutter.json offers, with the lists of choices; cruft and a replay leave them out.
DECLARED = json.loads(r"""{{ _cookiecutter | default({}) | tojson }}""")

SHORTEST_NAME = 2
LONGEST_SLUG = 40  # `-migrate` and the hashes of pods come on top; Kubernetes allows 63
LONGEST_PACKAGE = 40
LONGEST_CLASS = 30
LONGEST_REGISTRY = 200  # an image reference with name and tag may have 255
LONGEST_SHOWN = 60

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
PACKAGE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
AGGREGATE = re.compile(r"[A-Za-z0-9 _-]+")
NOUN = re.compile(r"[a-z][a-z0-9]+( [a-z][a-z0-9]*)*")
LABEL = r"[a-z0-9]+(-+[a-z0-9]+)*"
REGISTRY = re.compile(rf"(?P<host>{LABEL}(\.{LABEL})*)(:(?P<port>[0-9]+))?(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
# Control characters other than tab and line ends, line separators that only some formats know, invisible marks that
# reorder text, and code points that are no characters: YAML, TOML or an editor stumbles over each of them.
UNFIT = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)

# Commands that the service's environment must keep, and the distribution beside the service.
COMMANDS = {"pip", "python", "python3", "service-chassis", "uv"}
# Words that YAML 1.1 takes for a truth value or for nothing.
YAML_WORDS = {"false", "no", "null", "off", "on", "true", "yes"}
FOLDERS = {
    *("build", "chassis", "dist", "docs", "environments", "k8s", "migrations", "options", "scripts", "service_chassis"),
    *("src", "test", "tests", "tools"),
}
# What the requirements import under a name of their own, and what they bring along.
MODULES = {
    *("annotated_doc", "annotated_types", "anyio", "attr", "attrs", "certifi", "charset_normalizer", "dateutil"),
    *("deprecation", "distlib", "dotenv", "filelock", "graphql", "greenlet", "grimp", "h11", "httpcore2", "httptools"),
    *("identify", "idna", "importlinter", "iniconfig", "jinja2", "jsonschema_specifications", "mako", "markdown_it"),
    *("markupsafe", "mdurl", "multidict", "mypyc", "nats", "nodeenv", "opentelemetry", "packaging", "pathspec", "pip"),
    *("platformdirs", "pluggy", "propcache", "psycopg_binary", "py", "pydantic_core", "pygments", "referencing"),
    *("requests", "rich", "rpds", "setuptools", "sortedcontainers", "starlette", "truststore", "typing_extensions"),
    *("typing_inspection", "tzdata", "urllib3", "uvloop", "virtualenv", "watchfiles", "websockets", "werkzeug", "yaml"),
}
# A plural ends in "s", so these are all the reserved words that a table could meet in PostgreSQL 15, MariaDB 10.11 and
# SQLite 3, with `groups` of MySQL 8.
SQL_WORDS = {
    *("as", "cross", "databases", "exists", "groups", "is", "keys", "lines", "modifies", "overlaps", "reads"),
    *("references", "rows", "schemas", "values"),
}


def free_text(limit: int) -> Callable[[str], str]:
    """A rule for text that people read: no word of it can be wrong, but some characters are."""

    def rule(value: str) -> str:
        length = len(" ".join(value.split()))
        if length == 0:
            return "is empty"
        if length > limit:
            return f"has {length} characters, more than {limit}"
        if unfit := UNFIT.search(value):
            return f"contains the character U+{ord(unfit[0]):04X}, which not every file format can hold"
        return ""

    return rule


def service_slug(value: str) -> str:
    """A label of RFC 1123 that is also the name of a command and of a distribution."""
    if not SLUG.fullmatch(value):
        return f"{shown(value)} must be lower-case words joined by single hyphens, beginning with a letter"
    if not SHORTEST_NAME <= len(value) <= LONGEST_SLUG:
        return f"{shown(value)} has {len(value)} characters; {SHORTEST_NAME} to {LONGEST_SLUG} are allowed"
    if value in YAML_WORDS:
        return f"{shown(value)} means something else in YAML, where Kubernetes and pipelines would read it"
    if value in COMMANDS | required() | {"chassis"}:
        return f"{shown(value)} is the name of something that the service itself needs"
    return ""


def package_name(value: str) -> str:
    """A module name that hides no other."""
    if not PACKAGE.fullmatch(value):
        return f"{shown(value)} must be lower-case words joined by single underscores, beginning with a letter"
    if not SHORTEST_NAME <= len(value) <= LONGEST_PACKAGE:
        return f"{shown(value)} has {len(value)} characters; {SHORTEST_NAME} to {LONGEST_PACKAGE} are allowed"
    if keyword.iskeyword(value) or keyword.issoftkeyword(value):
        return f"{shown(value)} is a keyword of Python"
    if value in sys.stdlib_module_names:
        return f"{shown(value)} would hide a module of Python's standard library"
    if value in FOLDERS | MODULES | {name.replace("-", "_") for name in required()}:
        return f"{shown(value)} would hide another package or folder of the service"
    return ""


def aggregate(value: str) -> str:
    """Words from which classes, tables, URLs, events and metrics take their names."""
    noun, class_name, plural = ANSWERS["__noun"], ANSWERS["__Entity"], ANSWERS["__entities"]
    if not AGGREGATE.fullmatch(value) or not NOUN.fullmatch(noun):
        return f"{shown(value)} must be words of the letters a to z and digits, each beginning with a letter"
    names = {class_name, plural, ANSWERS["__entity"]}
    if len(class_name) > LONGEST_CLASS:
        return f"{shown(value)} makes a class name of {len(class_name)} characters; {LONGEST_CLASS} are allowed"
    if any(map(keyword.iskeyword, names)) or names & python_builtins():
        return f"{shown(value)} is a word of Python itself"
    if plural in SQL_WORDS:
        return f"{shown(value)} would make a table {plural!r}, a reserved word of SQL"
    if noun in ANSWERS["_reserved_aggregates"]:
        return f"{shown(value)} is a name that the service's own code gives to something else"
    return ""


def image_registry(value: str) -> str:
    """What stands before the name of an image."""
    if len(value) > LONGEST_REGISTRY:
        return f"{shown(value)} has {len(value)} characters; {LONGEST_REGISTRY} are allowed"
    match = REGISTRY.fullmatch(value)
    if not match:
        return f"{shown(value)} must be host[:port][/path] in lower case, with no scheme before and no slash after it"
    host, port = match["host"], match["port"]
    if port and int(port) not in range(1, 2**16):
        return f"{shown(value)} names a port that does not exist"
    if not port and "." not in host and host != "localhost":
        return f"{shown(value)} has no host: image tools take {host!r}, without dot or port, for a name on Docker Hub"
    return ""


RULES: dict[str, tuple[Callable[[str], str], str]] = {
    "service_name": (free_text(80), "Order Service"),
    "description": (free_text(300), "Takes orders and follows each one until it is confirmed or cancelled."),
    "team": (free_text(80), "Platform Team"),
    "aggregate": (aggregate, "Stock Item"),
    "service_slug": (service_slug, "order-service"),
    "package_name": (package_name, "order_service"),
    "image_registry": (image_registry, "registry.example.com:5000/shop"),
}


def required() -> set[str]:
    """Every distribution that some choice needs to run or to be worked on."""
    return {*ANSWERS["_chassis_distributions"], *map(distribution, ANSWERS["_dev_requirements"])}


def distribution(requirement: str) -> str:
    """The name in a requirement."""
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-").replace(".", "-")


def python_builtins() -> set[str]:
    """The language's own; `credits`, `license` and the like are only there for people at the prompt."""
    return {name for name, value in vars(builtins).items() if type(value).__module__ != "_sitebuiltins"}


def shown(value: object) -> str:
    """An answer as it can be repeated within one line."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def problems() -> Iterator[str]:
    """One line per problem: the option, what is wrong, what would work."""
    for option, value in ANSWERS.items():
        if not option.startswith("_"):
            wrong, example = verdict(option, value)
            if wrong:
                yield f"{option}: {wrong}; for example: {example}"
    for conflict in ANSWERS["_conflicts"]:
        when = conflict["when"]
        if all(ANSWERS[option] in choices for option, choices in when.items()):
            together = " with ".join(f"{option}={ANSWERS[option]}" for option in when)
            yield f"{together}: {conflict['reason']}; for example: {way_out(when)}"


def verdict(option: str, value: object) -> tuple[str, str]:
    """What is wrong with one answer, if anything, and an answer that works."""
    if choices := offered(option):
        return "" if value in choices else f"{shown(value)} is not one of {', '.join(choices)}", choices[0]
    if option not in RULES:
        return "", ""
    rule, example = RULES[option]
    return rule(value) if isinstance(value, str) else f"{shown(value)} is not text", example


def offered(option: str) -> list[str]:
    """The choices of an option as far as they are known here; a replay tells the recorded answer instead."""
    choices = DECLARED.get(option)
    return choices if isinstance(choices, list) else []


def way_out(when: dict[str, list[str]]) -> str:
    """A choice that takes no part in the conflict."""
    ways = (f"{option}={choice}" for option in when for choice in offered(option) if choice not in when[option])
    return next(ways, f"another {' or '.join(when)}")


def main() -> int:
    """Tell everything at once, so that nobody has to come back for the next problem."""
    found = list(problems())
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
