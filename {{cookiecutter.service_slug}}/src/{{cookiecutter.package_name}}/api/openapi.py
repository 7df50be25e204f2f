"""What the OpenAPI document says beyond what FastAPI finds by itself: problem documents and response headers."""

import re
from collections import deque
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .problems import MEDIA_TYPE, FieldProblem, Problem, title_of

REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')
type_of_string = {"type": "string"}
ETAG = {"ETag": {"description": "The version, for If-Match", "schema": type_of_string, "example": '"1"'}}
LOCATION = {"Location": {"description": "Where it can be read", "schema": type_of_string}}
REPLAYED = {"Idempotency-Replayed": {"description": "`true` if this answer was given before", "schema": type_of_string}}


def answers(status: HTTPStatus, *headers: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """The `responses` entry of a good answer with its headers."""
    return {status.value: {"headers": {name: header for each in headers for name, header in each.items()}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation for the errors it may answer with."""
    return {status: _problem(HTTPStatus(status)) for status in statuses}


def _problem(status: HTTPStatus) -> dict[str, Any]:
    title = title_of(status)
    example = {"type": "about:blank", "title": title, "status": status.value}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": title, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}


def written(document: dict[str, Any]) -> str:
    """The document as a file. Its schemas stand in the order of their use: by name, a new one would move others."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    used: dict[str, Any] = {}
    pending = deque([document["paths"]])
    while pending:
        for name in REFERENCE.findall(orjson.dumps(pending.popleft()).decode()):
            if name not in used:
                used[name] = schemas[name]
                pending.append(schemas[name])
    ordered = document | {"components": document["components"] | {"schemas": used}}
    return orjson.dumps(ordered, option=orjson.OPT_INDENT_2).decode()


class DocumentedAPI(FastAPI):
    """FastAPI, whose document also holds the schemas that only error responses use."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if not self.openapi_schema:
            document = get_openapi(
                title=self.title,
                version=self.version,
                description=self.description,
                routes=self.routes,
            )
            schemas = document["components"]["schemas"]
            for model in (FieldProblem, Problem):
                schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schema.pop("$defs", None)
                schemas[model.__name__] = schema
            self.openapi_schema = document
        return self.openapi_schema
