"""The OpenAPI document: problem documents and response headers, which FastAPI does not know."""

import re
from collections import deque
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .caller import AccessControl
from .problems import MEDIA_TYPE, FieldProblem, Problem, ProblemDocuments, title_of

_reference = re.compile(r'"#/components/schemas/([^"]+)"')
_string = {"type": "string"}

# Response headers for `succeeds`.
ETAG = {"ETag": {"description": "The version, for If-Match", "schema": _string, "example": '"1"'}}
LOCATION = {"Location": {"description": "Where it can be read", "schema": _string}}
REPLAYED = {"Idempotency-Replayed": {"description": "`true` if this answer was given before", "schema": _string}}


def succeeds(status: HTTPStatus, *headers: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation for success, with its headers."""
    return {status.value: {"headers": {name: header for each in headers for name, header in each.items()}}}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation for its errors."""
    return {status: _problem_response(HTTPStatus(status)) for status in statuses}


def _problem_response(status: HTTPStatus) -> dict[str, Any]:
    title = title_of(status)
    example = {"type": "about:blank", "title": title, "status": status.value}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": title, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}


def render(document: dict[str, Any]) -> str:
    """The document as a file. Its schemas are in the order of their use: by name, a new one would move the others."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    used: dict[str, Any] = {}
    pending = deque([document["paths"]])
    while pending:
        for name in _reference.findall(orjson.dumps(pending.popleft()).decode()):
            if name not in used:
                used[name] = schemas[name]
                pending.append(schemas[name])
    ordered = document | {"components": document["components"] | {"schemas": used}}
    return orjson.dumps(ordered, option=orjson.OPT_INDENT_2).decode()


class DocumentedAPI(FastAPI):
    """A FastAPI application whose document also holds the schemas that only error responses use."""

    def __init__(
        self,
        *,
        problems: ProblemDocuments,
        limits_callers: bool = False,
        access: AccessControl | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._access = access
        self._limits_callers = limits_callers
        self._problems = problems
        problems.install(self)

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
            if self._limits_callers:
                _document_quota(document)
            if self._access is not None:
                self._access.document(document)
            schemas["Problem"]["properties"]["type"]["examples"] = [self._problems.type_of("not-found")]
            self.openapi_schema = document
        return self.openapi_schema


def _document_quota(document: dict[str, Any]) -> None:
    """Every operation but those for probes may be refused because its caller sends too many requests."""
    for operations in document["paths"].values():
        for operation in operations.values():
            if "operations" not in operation.get("tags", ()):
                operation["responses"].setdefault("429", _problem_response(HTTPStatus.TOO_MANY_REQUESTS))
