"""The lines of a running service are those that docs/observability.md lists, field by field."""

import ast
import asyncio
import io
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from {{ cookiecutter.package_name }} import bootstrap
from {{ cookiecutter.package_name }}.config import Settings, load_settings
from {{ cookiecutter.package_name }}.domain.errors import Interrupted, Unavailable
from {{ cookiecutter.package_name }}.infrastructure.database.memory import MemoryDatabase
from {{ cookiecutter.package_name }}.infrastructure.telemetry.logging import configure_logging
from {{ cookiecutter.package_name }}.infrastructure.telemetry.repetition import BURST
from {{ cookiecutter.package_name }}.server import create_server

from .test_request_pass import quiet_again  # noqa: F401 - the output that is logged to here is closed

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "observability.md"
PACKAGE = ROOT / "src" / "{{ cookiecutter.package_name }}"
URL = "/v1/{{ cookiecutter.__resource }}"
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float),
    "boolean": lambda value: type(value) is bool,
    "array of strings": lambda value: all(isinstance(each, str) for each in value),
    "array of objects": lambda value: all(isinstance(each, dict) for each in value),
}
PATIENCE_SECONDS = 20
OF_EVERY_LINE = {"service": "{{ cookiecutter.service_slug }}", "version": "1", "environment": "local"}
Lines = list[dict[str, Any]]


def rows(heading: str) -> Iterator[list[str]]:
    """The table below a heading, row by row."""
    text = DOCUMENT.read_text(encoding="utf-8").partition(f"{heading}\n")[2]
    table = re.search(r"(?m)^\|[-|]+\|\n((?:\|.*\n)+)", text)
    assert table, heading
    for row in table[1].splitlines():
        yield [cell.strip() for cell in row.strip("|").split("|")]


def documented(heading: str) -> dict[str, str]:
    """The fields in the table below a heading, with their types."""
    return {name.strip("`"): type for name, type, *_ in rows(heading)}


def every_field() -> dict[str, str]:
    """Those of all tables."""
    headings = re.findall(r"(?m)^##+ .*(?=\n\n(?:.*\n\n)?\| field )", DOCUMENT.read_text(encoding="utf-8"))
    return {name: type for heading in headings for name, type in documented(heading).items()}


def strange(lines: Lines) -> set[tuple[str, str]]:
    """The event and the field of everything that is not as documented."""
    known = every_field()
    found = ((line["event"], name, value) for line in lines for name, value in line.items())
    return {(event, name) for event, name, value in found if name not in known or not TYPES[known[name]](value)}


@asynccontextmanager
async def logged(level: str = "info") -> AsyncIterator[Lines]:
    """What is logged within the block, without the lines of the test's own client; complete when it has ended."""
    stream, lines = io.StringIO(), list[dict[str, Any]]()
    configure_logging(level, "json", stream, **OF_EVERY_LINE)
    yield lines
    configure_logging(level, "json", io.StringIO())  # ends the one before, as the end of a process does
    parsed = map(json.loads, stream.getvalue().splitlines())
    lines += [line for line in parsed if not line["logger"].startswith("http")]


class TroubledDatabase(MemoryDatabase):
    """Has every kind of trouble."""

    async def check(self) -> None:
        raise Unavailable("database", "cannot be reached")

    async def find(self, *_: Any) -> Any:
        raise Interrupted("database", "a deadlock")

    async def page(self, *_: Any) -> Any:
        try:
            raise KeyError("what it was")
        except KeyError as error:
            raise ZeroDivisionError("what came of it") from error

    async def forget_answers(self, *_: Any) -> int:
        return 3


@asynccontextmanager
async def serving(service: bootstrap.Service, settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """A real server in this process; SIGTERM ends it."""
    server = create_server(service.app, service.lifecycle, settings)
    task = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not server.started:  # noqa: ASYNC110 - it does not tell
            await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await task


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that make nobody wait."""
    monkeypatch.setenv("HTTP_PORT", "0")
    monkeypatch.setenv("SHUTDOWN_DRAIN_SECONDS", "0")
    return load_settings()


async def test_every_field_of_a_running_service_is_documented_and_the_other_way_round(at_once: Settings) -> None:
    service = bootstrap.create_service(at_once, TroubledDatabase())
    async with logged() as lines, serving(service, at_once) as client:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert (await client.post(URL, json={"reference": "A-1", "quantity": 3})).status_code == 201
        assert (await client.post(URL, json={"reference": "A-1", "quantity": 0})).status_code == 422
        assert (await client.get(f"{URL}/{uuid4()}")).status_code == 503
        assert (await client.get("/health/ready")).status_code == 503
        for _ in range(BURST + 1):
            assert (await client.get(URL)).status_code == 500
        os.kill(os.getpid(), signal.SIGUSR2)
    assert strange(lines) == set()
    assert documented("## Fields").keys() - {name for line in lines for name in line} == set()


async def test_a_failed_request_is_one_error_and_one_line_of_the_access_log(at_once: Settings) -> None:
    service = bootstrap.create_service(at_once, TroubledDatabase())
    async with logged() as lines, serving(service, at_once) as client:
        answer = await client.get(URL)
    about_it = [line for line in lines if line.get("correlation_id") == answer.headers["x-correlation-id"]]
    assert [line["event"] for line in about_it] == ["request failed", "request"]
    assert [line for line in lines if line["level"] == "error"] == about_it[:1]
    raised, cause = about_it[0]["exception"]
    assert (raised["exc_type"], raised["exc_value"]) == ("ZeroDivisionError", "what came of it")
    assert (cause["exc_type"], cause["is_cause"]) == ("KeyError", True)
    assert set(raised["frames"][-1]) == {"filename", "lineno", "name"}


async def test_a_start_that_fails_is_one_error_with_its_exception(at_once: Settings) -> None:
    class BrokenDatabase(MemoryDatabase):
        async def open(self) -> None:
            raise ZeroDivisionError("at the start")

    async with logged() as lines:
        service = bootstrap.create_service(at_once, BrokenDatabase())
        with pytest.raises(SystemExit):
            await create_server(service.app, service.lifecycle, at_once).serve()
    [told] = [line for line in lines if "exception" in line]
    assert told["event"] == "unforeseen error"
    assert told["exception"][0]["exc_value"] == "at the start"
    assert "Traceback" not in str(lines)


async def test_lines_tell_nothing_about_who_asked_and_what(at_once: Settings) -> None:
    service = bootstrap.create_service(at_once, MemoryDatabase())
    async with logged("debug") as lines, serving(service, at_once) as client:
        for quantity in (3, "hidden"):
            body = {"reference": "of-a-customer", "quantity": quantity}
            await client.post(f"{URL}?from=hidden", json=body, headers={"authorization": "hidden", "cookie": "hidden"})
        await client.get(f"{URL}?cursor=hidden")
        upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
        await client.get("/nothing?hidden", headers=upgrade | {"sec-websocket-key": "aGlkZGVuaGlkZGVuaGk="})
    assert {"request", "refused"} <= {line["event"] for line in lines}
    told = [line for line in lines if not line["event"].startswith("Uvicorn running on")]
    assert not re.search(r"hidden|of-a-customer|127\.0\.0\.1", str(told))


def calls() -> Iterator[tuple[ast.Call, str]]:
    """Every call of a logger in the code, and every note for the lines to come; with the name of the method."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                whose, method = ast.unparse(node.func.value), node.func.attr
                tells = whose.endswith(("log", "noted")) and method in {*LEVELS, "bind"}
                if tells or method == "bound_contextvars":
                    yield node, method


def test_every_field_that_the_code_tells_is_documented() -> None:
    told = {keyword.arg for call, _ in calls() for keyword in call.keywords} - {"exc_info"}
    assert told - every_field().keys() == set()
    assert documented("### Only with a real server").keys() - told == set()


def test_every_line_that_the_code_tells_is_documented() -> None:
    listed = {
        (event, level)
        for events, _, levels, _ in rows("## Lines")
        for event in re.findall("(?<!`)`{1,2}(?!`)(.+?)`{1,2}(?=[ ,]|$)", events)
        for level in re.findall("`(.+?)`", levels)
    }
    told = {
        (call.args[0].value, LEVELS[method])
        for call, method in calls()
        if call.args and isinstance(call.args[0], ast.Constant)
    }
    assert told - listed == set()
    code = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    assert [event for event, _ in listed if f'"{event}"' not in code] == []
