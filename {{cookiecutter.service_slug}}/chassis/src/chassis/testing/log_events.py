"""Compares the logs of a service with the page that documents them, `docs/observability.md`."""

import ast
import importlib.util
import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..service import ServiceIdentity
from ..telemetry.logs import configure_logging

Lines = list[dict[str, Any]]
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float),
    "boolean": lambda value: type(value) is bool,
    "array of strings": lambda value: all(isinstance(each, str) for each in value),
    "array of objects": lambda value: all(isinstance(each, dict) for each in value),
}


@contextmanager
def log_output(identity: ServiceIdentity, level: str = "info", format: str = "json") -> Iterator[io.StringIO]:
    """Log inside the block as a process of a service does; the stream holds what has been written so far."""
    stream, excepthook = io.StringIO(), sys.excepthook
    configure_logging(level, format, stream, identity=identity, environment="local")
    try:
        yield stream
    finally:
        sys.excepthook = excepthook
        logging.captureWarnings(False)
        for handler in logging.getLogger().handlers:
            handler.close()  # as the end of a process does
        logging.basicConfig(level="WARNING", handlers=[logging.NullHandler()], force=True)


@contextmanager
def logged(identity: ServiceIdentity, level: str = "info") -> Iterator[Lines]:
    """The lines logged inside the block, without those of the test's own client; complete when it has ended."""
    lines = Lines()
    with log_output(identity, level) as stream:
        yield lines
    parsed = map(json.loads, stream.getvalue().splitlines())
    lines += [line for line in parsed if not line["logger"].startswith("http")]


class LogDocument:
    """A page with tables: below `## Lines` the events and their levels, and tables of fields with their types."""

    def __init__(self, path: Path) -> None:
        self._text = path.read_text(encoding="utf-8")

    @property
    def events(self) -> set[tuple[str, str]]:
        """Every documented event with its level."""
        return {
            (event, level)
            for events, _, levels, *_ in self._rows("## Lines")
            for event in re.findall("(?<!`)`{1,2}(?!`)(.+?)`{1,2}(?=[ ,]|$)", events)
            for level in re.findall("`(.+?)`", levels)
        }

    @property
    def fields(self) -> dict[str, set[str]]:
        """Every documented field, with its types."""
        found: dict[str, set[str]] = {}
        for heading in re.findall(r"(?m)^##+ .*(?=\n\n(?:.*\n\n)?\| field )", self._text):
            for name, type in self.fields_below(heading).items():
                found.setdefault(name, set()).add(type)
        return found

    def fields_below(self, heading: str) -> dict[str, str]:
        """The fields in the table below a heading, with their types."""
        return {name.strip("`"): type for name, type, *_ in self._rows(heading)}

    def undocumented(self, lines: Lines) -> set[tuple[str, str]]:
        """Event and name of each field that is not documented, or has a value of another type."""
        known = self.fields
        found = ((line["event"], name, value) for line in lines for name, value in line.items())
        return {
            (event, name)
            for event, name, value in found
            if not any(TYPES[type](value) for type in known.get(name, set()))
        }

    def _rows(self, heading: str) -> Iterator[list[str]]:
        table = re.search(r"(?m)^\|[-|]+\|\n((?:\|.*\n)+)", self._text.partition(f"{heading}\n")[2])
        assert table, f"no table below {heading}"
        for row in table[1].splitlines():
            yield [cell.strip() for cell in row.strip("|").split("|")]


class LoggingCode:
    """The log events in the code of a service: of its own package, and of the modules of the chassis that it reaches.

    Modules that nothing imports are left out: a whole chassis holds adapters that the service does not use.
    """

    def __init__(self, package: str) -> None:
        """Read the code of a package, such as `billing_service`."""
        self._sources = list(_reached(package))
        self._calls = [each for source in self._sources for each in _log_calls(ast.parse(source))]

    @property
    def events(self) -> set[tuple[str, str]]:
        """Every event that is named in a call of a logger, with its level."""
        return {
            (call.args[0].value, LEVELS[method])
            for call, method in self._calls
            if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
        }

    def names(self, event: str) -> bool:
        """Whether the event occurs in the code at all, such as in a call that is given its level."""
        return any(f'"{event}"' in source for source in self._sources)

    @property
    def fields(self) -> set[str]:
        """Every field that is named in a call of a logger, or bound for later lines."""
        names = {keyword.arg for call, _ in self._calls for keyword in call.keywords if keyword.arg}
        return names - {"exc_info"}


def _log_calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            logger, method = ast.unparse(node.func.value), node.func.attr
            if (logger.endswith("log") and method in {*LEVELS, "bind"}) or method == "bound_contextvars":
                yield node, method


def _reached(package: str) -> Iterator[str]:
    """The source of every module of a package, and of the chassis' modules that they import, at any depth."""
    chassis = __name__.partition(".")[0]
    root = Path(_file(package) or "").parent
    pending = [_module_name(package, root, file) for file in sorted(root.rglob("*.py"))]
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        file = _file(name) if name.partition(".")[0] in (package, chassis) else None
        if name in seen or file is None:
            continue
        seen.add(name)
        source = Path(file).read_text(encoding="utf-8")
        yield source
        pending += _imports(ast.parse(source), name, is_package=Path(file).name == "__init__.py")


def _module_name(package: str, root: Path, file: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join([package, *(part for part in parts if part != "__init__")])


def _file(module: str) -> str | None:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    return spec.origin if spec else None


def _imports(tree: ast.AST, module: str, *, is_package: bool) -> Iterable[str]:
    """The modules that a module may import; some of the names are not modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = module.split(".")
            parents = parents[: len(parents) - node.level + is_package] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
