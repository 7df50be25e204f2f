"""The committed contract is what the service serves, breaks no client, and is what the service does."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from chassis.http.application import Service
from chassis.http.openapi import render
from chassis.testing.openapi import breaking_changes
from hypothesis import HealthCheck
from hypothesis import settings as effort
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

COMMITTED = Path(__file__).parents[2] / "contracts" / "openapi.json"
# CONTRACTS: the folder of another version, which clients may have been built from as well.
PUBLISHED = Path(os.environ["CONTRACTS"], "openapi.json") if "CONTRACTS" in os.environ else COMMITTED
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]


def test_nothing_breaks_a_client(service: Service) -> None:
    changes = breaking_changes(json.loads(PUBLISHED.read_text(encoding="utf-8")), service.app.openapi())
    assert not changes, "\n".join(["these break clients; a new version beside v1 would not:", *changes])


def test_the_committed_contract_is_up_to_date(service: Service) -> None:
    committed = COMMITTED.read_text(encoding="utf-8")
    assert committed == f"{render(service.app.openapi())}\n", "the API has changed: run `make contract`, commit it"


schema = schemathesis.openapi.from_dict(json.loads(COMMITTED.read_text(encoding="utf-8")))
{{ "# Every request brings a token that is accepted; tests/unit/test_permissions.py sends the others.\nschema.config.generation.update(with_security_parameters=False)\n" if cookiecutter.auth != "none" else "" }}

@pytest.fixture
def base_url(service: Service) -> Iterator[str]:
    """The service on a socket, because schemathesis sends HTTP."""
    server = uvicorn.Server(uvicorn.Config(service.app, log_config=None, access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"  # connections wait in the backlog until it is up
        server.should_exit = True
        thread.join()


@schema.parametrize()
# All requests go to one service: what earlier ones have left is part of the test.
@effort(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_answers_as_documented(case: Any, base_url: str) -> None:
    case.call_and_validate(base_url=base_url, checks=CHECKS)
