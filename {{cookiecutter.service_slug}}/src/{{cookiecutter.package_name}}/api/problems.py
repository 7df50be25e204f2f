"""Every error as a problem document (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from ..domain import errors
from .preconditions import PreconditionRequired, etag
from .routing import allowed_methods

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:problem-type:{{ cookiecutter.service_slug }}:"
RETRY_AFTER_SECONDS = 5

_log = structlog.stdlib.get_logger("problems")

# What a caller sees of each refusal: status and the last part of the problem type.
_KNOWN: dict[type[Exception], tuple[int, str]] = {
    errors.InvalidValue: (422, "invalid-request"),
    errors.NotFound: (404, "not-found"),
    errors.InvalidTransition: (409, "invalid-transition"),
    errors.VersionConflict: (412, "version-conflict"),
    errors.KeyReused: (422, "idempotency-key-reused"),
    errors.KeyInUse: (409, "idempotency-key-in-use"),
    errors.Unavailable: (503, "dependency-unavailable"),
    PreconditionRequired: (428, "precondition-required"),
}


# RFC 9110 renamed them, and not every version of Python has followed.
_RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}


def title_of(status: int) -> str:
    """A status in words."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


class FieldProblem(BaseModel):
    """One input that was refused."""

    location: str = Field(description="`body`, `query`, `path` or `header`", examples=["body"])
    pointer: str = Field(description="Where in it, as a JSON pointer (RFC 6901)", examples=["/quantity"])
    detail: str = Field(examples=["Input should be greater than or equal to 1"])


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = Field(description="What kind of problem; stable", examples=[TYPE_PREFIX + "not-found"])
    title: str = Field(description="The kind in words", examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str | None = Field(default=None, description="What happened this time")
    correlation_id: str | None = Field(default=None, description="Quote it when you ask for help")
    errors: list[FieldProblem] | None = Field(default=None, description="Each input that was refused")


def problem_response(
    status: int,
    kind: str | None = None,
    detail: str | None = None,
    *,
    correlation_id: str | None = None,
    errors: Sequence[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A response that says what went wrong.

    Args:
        status: the HTTP status.
        kind: last part of the problem type; without it the status says all there is ("about:blank").
        detail: what happened this time, safe to show to the caller.
        correlation_id: under which the logs tell more.
        errors: refused inputs.
        headers: further headers, such as Retry-After.
    """
    inputs = [each.location + each.pointer for each in errors or ()]
    _log.debug("refused", status=status, problem=kind or "about:blank", inputs=inputs)
    problem = Problem(
        type=TYPE_PREFIX + kind if kind else "about:blank",
        title=title_of(status),
        status=status,
        detail=detail,
        correlation_id=correlation_id,
        errors=None if errors is None else list(errors),
    )
    body = orjson.dumps(problem.model_dump(exclude_none=True))
    return Response(body, status, headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Translate refusals of the domain, of validation and of the framework."""
    for known in _KNOWN:
        app.add_exception_handler(known, _known_problem)
    app.add_exception_handler(RequestValidationError, _validation_problem)
    app.add_exception_handler(HTTPException, _http_problem)


async def _known_problem(request: Request, error: Exception) -> Response:
    status, kind = next(_KNOWN[each] for each in type(error).__mro__ if each in _KNOWN)
    headers = {}
    if isinstance(error, errors.VersionConflict | errors.InvalidTransition):
        headers["etag"] = etag(error.version)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = str(RETRY_AFTER_SECONDS)
    detail = str(error)
    if isinstance(error, errors.Unavailable):
        # The reason behind an outage is for the logs and /health/ready, not for callers.
        detail = f"{error.dependency} does not answer"
        _log.warning("dependency unavailable", dependency=error.dependency, reason=error.reason)
    return problem_response(status, kind, detail, correlation_id=_correlation_id(request), headers=headers)


async def _validation_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - Starlette's signature is wider than what it passes
    refused = [_field_problem(each) for each in error.errors()]
    return problem_response(
        422,
        "invalid-request",
        f"{len(refused)} input(s) refused",
        correlation_id=_correlation_id(request),
        errors=refused,
    )


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    status = error.status_code
    headers = dict(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = allowed_methods(request)
    return problem_response(
        status,
        detail=None if error.detail in (title_of(status), HTTPStatus(status).phrase) else error.detail,
        correlation_id=_correlation_id(request),
        headers=headers,
    )


def _field_problem(error: Mapping[str, Any]) -> FieldProblem:
    location, *path = error["loc"]
    if error["type"] == "json_invalid":  # its second part is an offset into the text, not a field
        path = []
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
    detail = error["msg"].removeprefix("Value error, ")
    if error["type"] == "model_attributes_type":  # a list or a text; or JSON, but nobody said so
        detail = "must be a JSON object, sent with `Content-Type: application/json`"
    return FieldProblem(location=str(location), pointer=pointer, detail=detail)


def _correlation_id(request: Request) -> str | None:
    correlation_id: str | None = request.scope.get("correlation_id")
    return correlation_id
