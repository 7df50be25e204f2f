"""The OpenAPI document."""

import json
from typing import Any

import pytest

from chassis.http.application import Service
from chassis.http.openapi import render
from tests.sample.api import URL


@pytest.fixture
def document(service: Service) -> Any:
    """The document of the service, as clients read it."""
    return json.loads(render(service.app.openapi()))


def test_names_the_service(document: Any) -> None:
    assert document["info"] == {"title": "Warehouse Service", "version": "1.2.3", "description": "Stores parcels."}


def test_documents_problems_and_headers(document: Any) -> None:
    responses = document["paths"][URL]["post"]["responses"]
    assert set(responses["201"]["headers"]) == {"Location", "ETag", "Idempotency-Replayed"}
    assert list(responses["409"]["content"]) == ["application/problem+json"]
    schemas = document["components"]["schemas"]
    assert schemas["Problem"]["properties"]["type"]["examples"] == ["urn:problem-type:warehouse-service:not-found"]
    assert "FieldProblem" in schemas


def test_documents_the_headers_of_a_command(document: Any) -> None:
    confirm = document["paths"][URL + "/{id}/confirm"]["post"]
    headers = {each["name"].lower() for each in confirm["parameters"] if each["in"] == "header"}
    assert headers == {"if-match", "idempotency-key"}


def test_schemas_are_in_the_order_of_their_use(document: Any) -> None:
    schemas = list(document["components"]["schemas"])
    assert schemas.index("ParcelPage") < schemas.index("Readiness")
    assert schemas != sorted(schemas)
