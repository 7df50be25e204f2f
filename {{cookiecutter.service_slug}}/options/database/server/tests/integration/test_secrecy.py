"""The database's password appears nowhere, whatever happens: in no log, no answer, no complaint of a command."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from {{ cookiecutter.package_name }}.config.database import SCHEME
from {{ cookiecutter.package_name }}.infrastructure.database.engine import create_migration_engine

from ..elsewhere import ELSEWHERE
from ..processes import COMMAND, PATIENCE_SECONDS
from ..unit.test_api import DRAFT, URL
from ..unit.test_settings import refused
from .accounts import account
from .conftest import settings_of

# What has a meaning of its own in a URL stands between, so that a piece shows up where a URL is taken apart wrongly.
WORD = f"meadow{uuid4().hex}"
SECRET = f"{WORD}/@:%{WORD}"
OPERATIONS = ("/health/live", "/health/ready", "/health/startup", "/info", "/metrics", "/docs", "/openapi.json")
FORMATS = pytest.mark.parametrize("log_format", ["json", "console"])


def said(command: str, **settings: str) -> tuple[int, str]:
    """Run a command to its end; the password must not be in what it says."""
    call = [*COMMAND, *command.split()]
    done = subprocess.run(
        call, env=os.environ | settings, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    output = done.stdout + done.stderr
    assert WORD not in output
    return done.returncode, output


@pytest.fixture
def url(empty_database_url: str) -> Iterator[str]:
    """An empty database, with the password."""
    with account(empty_database_url, SECRET) as url:
        yield url


class Watched:
    """A running service, everything it writes and everything it answers."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.answers: list[httpx2.Response] = []

    def log(self) -> str:
        """Standard output and standard error."""
        return self._log.read_text()

    def url(self) -> str:
        """Where it answers, once it does."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", self.log())):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)
        return found.group()

    def everything(self) -> list[int]:
        """All kinds of requests; gives the statuses."""
        with httpx2.Client(base_url=self.url()) as client:
            self.answers += [client.get(path) for path in OPERATIONS]
            self.answers += [client.get(path) for path in (URL, "/nothing", f"{URL}/nonsense", f"{URL}/{uuid4()}")]
            bodies: list[object] = [DRAFT, {}, []]
            self.answers += [client.post(URL, json=body) for body in bodies]
            self.answers += [client.post(URL, content=b"{", headers={"content-type": "application/json"})]
            self.answers += [client.delete(URL), client.post(URL, json=DRAFT, headers={"idempotency-key": "k"})]
        return [answer.status_code for answer in self.answers]


@contextmanager
def watching(log: Path, **settings: str) -> Iterator[Watched]:
    """A service that is gone when the block ends, and has not told the password."""
    environment = {**os.environ, "HTTP_PORT": "0", "LOG_LEVEL": "debug", "SHUTDOWN_DRAIN_SECONDS": "0", **settings}
    with log.open("wb") as output:
        process = subprocess.Popen([*COMMAND, "serve"], env=environment, stdout=output, stderr=subprocess.STDOUT)
    watched = Watched(log)
    try:
        yield watched
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
    assert WORD not in watched.log()
    for answer in watched.answers:
        assert WORD not in answer.text
        assert WORD not in str(answer.headers)


@FORMATS
def test_in_a_healthy_run(url: str, tmp_path: Path, log_format: str) -> None:
    with watching(tmp_path / "log", DATABASE_URL=url, LOG_FORMAT=log_format) as service:
        assert set(service.everything()) >= {200, 201, 404, 405, 422}
    assert "schema is in place" in service.log()


@FORMATS
def test_in_a_run_without_a_database(url: str, tmp_path: Path, log_format: str) -> None:
    settings = ELSEWHERE | {"LOG_FORMAT": log_format}
    with watching(tmp_path / "log", DATABASE_URL=f"{url}_that_is_missing", **settings) as service:
        assert 503 in service.everything()
    assert "dependency is not ready" in service.log()


@FORMATS
def test_in_a_run_whose_password_is_refused(url: str, tmp_path: Path, log_format: str) -> None:
    settings = ELSEWHERE | {"LOG_FORMAT": log_format}
    with watching(tmp_path / "log", DATABASE_URL=url.replace(WORD, f"not{WORD}"), **settings) as service:
        service.everything()


@FORMATS
def test_in_the_traceback_of_a_bug(url: str, tmp_path: Path, log_format: str, empty_database_url: str) -> None:
    """Neither the password nor what the caller sent: values of variables are no part of a traceback in the log."""
    with watching(tmp_path / "log", DATABASE_URL=url, LOG_FORMAT=log_format) as service:
        service.everything()
        with create_migration_engine(settings_of(empty_database_url)).begin() as connection:
            connection.execute(text("ALTER TABLE {{ cookiecutter.__entities }} RENAME COLUMN reference TO renamed"))
        with httpx2.Client(base_url=service.url()) as client:
            answer = client.post(URL, json={"reference": "of-a-customer", "quantity": 3})
        service.answers.append(answer)
        assert answer.status_code == 500
    assert "Traceback" in service.log() or "exc_type" in service.log()
    assert "of-a-customer" not in service.log()


@FORMATS
def test_in_what_a_start_without_its_database_says(tmp_path: Path, log_format: str) -> None:
    address = f"{SCHEME}service:{WORD}@127.0.0.1:1/name"
    for number, where in enumerate(({"ENVIRONMENT": "local"}, ELSEWHERE)):
        settings = where | {"DATABASE_URL": address, "LOG_FORMAT": log_format}
        code, _ = said("migrate", **settings)
        assert code == 1
        with watching(tmp_path / str(number), **settings) as service:
            assert 503 in service.everything()


def test_in_what_commands_say(url: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{WORD}\n")
    settings = {"LOG_LEVEL": "debug", "DATABASE_URL": url}
    assert said("migrate", **settings)[0] == 0
    assert said("openapi", **settings)[0] == 0
    for command in ("--help", "serve --help", "migrate --help", "--version"):
        assert said(command, **settings)[0] == 0
    for command in ("nonsense", "migrate --nonsense"):
        assert said(command, **settings)[0] == 2
    assert said("migrate", **settings | {"DATABASE_URL": f"{url}_that_is_missing"})[0] == 1
    said("migrate", **settings | {"DATABASE_URL": url.replace(WORD, f"not{WORD}")})
    said("migrate", **settings, DATABASE_PASSWORD_FILE=str(secret))


@pytest.mark.parametrize(
    "address",
    [
        f"{WORD}",
        f"oracle://service:{WORD}@127.0.0.1/name",
        f"{SCHEME}service:{WORD}@127.0.0.1:port/name",
        f"{SCHEME}service:{WORD}@127.0.0.1:99999/name",
        f"{SCHEME}service:{WORD}@a@127.0.0.1/name",
        f"{SCHEME}service:5/{WORD}@127.0.0.1/name",
        f"{SCHEME}service:a/{WORD}@127.0.0.1/name",
        f"{SCHEME}service:{WORD}/a@127.0.0.1/name",
        f"{SCHEME}service:{WORD}#a@127.0.0.1/name",
        f"{SCHEME}service:{WORD}?a@127.0.0.1/name",
        f"{SCHEME}service:a:{WORD}:b@127.0.0.1:{WORD}/name",
        f"{SCHEME}service:[{WORD}@127.0.0.1/name",
        f"{SCHEME}service:{WORD}\N{ACCOUNT OF}@127.0.0.1/name",
        f"{SCHEME}service:{WORD}@[::1/name",
    ],
)
def test_in_the_refusal_of_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    [problem] = refused(monkeypatch, DATABASE_URL=address)
    assert problem.startswith("DATABASE_URL: ")
    assert WORD not in problem


def test_in_the_refusal_of_settings() -> None:
    for command in ("serve", "migrate", "openapi"):
        code, output = said(command, DATABASE_URL=f"{SCHEME}service:{WORD}/a@127.0.0.1/name", ENVIRONMENT="dev")
        assert code == 2
        assert output.startswith("cannot start: DATABASE_URL: ")
        assert output.count("\n") == 1
