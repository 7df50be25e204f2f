"""Every error as a problem document (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from .. import domain, errors
from .preconditions import InvalidPrecondition, PreconditionRequired, etag
from .routes import allowed_methods

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5

_log = structlog.stdlib.get_logger("problems")


class ProblemKind(NamedTuple):
    """How an error is answered.

    Args:
        status: the HTTP status.
        name: last part of the problem type, such as `not-found`; stable, because clients compare it.
    """

    status: int
    name: str


KINDS: Mapping[type[Exception], ProblemKind] = {
    domain.InvalidValue: ProblemKind(422, "invalid-request"),
    domain.NotFound: ProblemKind(404, "not-found"),
    domain.NotPermitted: ProblemKind(403, "not-permitted"),
    domain.InvalidTransition: ProblemKind(409, "invalid-transition"),
    domain.VersionConflict: ProblemKind(412, "version-conflict"),
    errors.KeyReused: ProblemKind(422, "idempotency-key-reused"),
    errors.KeyInUse: ProblemKind(409, "idempotency-key-in-use"),
    errors.Unavailable: ProblemKind(503, "dependency-unavailable"),
    InvalidPrecondition: ProblemKind(400, "invalid-precondition"),
    PreconditionRequired: ProblemKind(428, "precondition-required"),
}

# RFC 9110 renamed them, and not every version of Python has followed.
_RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}


def title_of(status: int) -> str:
    """The reason phrase of a status."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


class FieldProblem(BaseModel):
    """One input that was refused."""

    location: str = Field(description="`body`, `query`, `path` or `header`", examples=["body"])
    pointer: str = Field(description="Where in it, as a JSON pointer (RFC 6901)", examples=["/quantity"])
    detail: str = Field(examples=["Input should be greater than or equal to 1"])


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = Field(description="What kind of problem; stable")
    title: str = Field(description="The kind in words", examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str | None = Field(default=None, description="What happened this time")
    correlation_id: str | None = Field(default=None, description="Quote it when you ask for help")
    errors: list[FieldProblem] | None = Field(default=None, description="Each input that was refused")


class ProblemDocuments:
    """Makes the problem documents of one service.

    Args:
        service_name: part of the problem types, such as `urn:problem-type:billing-service:not-found`.
        kinds: how the service's own errors are answered, besides those that every service knows.
    """

    def __init__(self, service_name: str, kinds: Mapping[type[Exception], ProblemKind] | None = None) -> None:
        self._prefix = f"urn:problem-type:{service_name}:"
        self._kinds = {**KINDS, **(kinds or {})}

    def type_of(self, kind: str | None) -> str:
        """The type of a kind of problem; without a kind, the status says everything ("about:blank")."""
        return self._prefix + kind if kind else "about:blank"

    def response(
        self,
        status: int,
        kind: str | None = None,
        detail: str | None = None,
        *,
        correlation_id: str | None = None,
        errors: Sequence[FieldProblem] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """A response with a problem document.

        Args:
            status: the HTTP status.
            kind: last part of the problem type.
            detail: what happened this time, safe to show to the client.
            correlation_id: of the request; its logs carry it.
            errors: refused inputs.
            headers: further headers, such as Retry-After.
        """
        inputs = [each.location + each.pointer for each in errors or ()]
        _log.debug("request refused", status=status, problem=kind or "about:blank", inputs=inputs)
        problem = Problem(
            type=self.type_of(kind),
            title=title_of(status),
            status=status,
            detail=detail,
            correlation_id=correlation_id,
            errors=None if errors is None else list(errors),
        )
        body = orjson.dumps(problem.model_dump(exclude_none=True))
        return Response(body, status, headers, media_type=MEDIA_TYPE)

    def install(self, app: FastAPI) -> None:
        """Translate the errors of the domain, of dependencies, of validation and of the framework."""
        for known in self._kinds:
            app.add_exception_handler(known, self._known_problem)
        app.add_exception_handler(RequestValidationError, self._validation_problem)
        app.add_exception_handler(HTTPException, self._http_problem)
        app.add_exception_handler(ClientDisconnect, self._incomplete)

    async def _incomplete(self, request: Request, _: Exception) -> Response:
        """For logs and metrics: the client is gone, or the rest of its body is not HTTP. No error of the service."""
        return self.response(400, detail="the body is incomplete", correlation_id=_correlation_id(request))

    async def _known_problem(self, request: Request, error: Exception) -> Response:
        status, kind = next(self._kinds[each] for each in type(error).__mro__ if each in self._kinds)
        headers = {}
        if isinstance(error, domain.VersionConflict | domain.InvalidTransition):
            headers["etag"] = etag(error.version)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers["retry-after"] = str(RETRY_AFTER_SECONDS)
        detail = str(error)
        if isinstance(error, errors.Unavailable):
            # The reason behind an outage is for the logs and /health/ready, not for clients.
            detail = f"{error.dependency} does not answer"
            _log.warning("dependency unavailable", dependency=error.dependency, reason=error.reason)
        return self.response(status, kind, detail, correlation_id=_correlation_id(request), headers=headers)

    async def _validation_problem(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - Starlette's signature is wider than what it passes
        refused = [_field_problem(each) for each in error.errors()]
        return self.response(
            422,
            "invalid-request",
            f"{len(refused)} input(s) refused",
            correlation_id=_correlation_id(request),
            errors=refused,
        )

    async def _http_problem(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        status = error.status_code
        headers = dict(error.headers or {})
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = allowed_methods(request) or headers.get("Allow", "")
        return self.response(
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
    if error["type"] == "model_attributes_type":  # a list or a text; or JSON without its Content-Type
        detail = "must be a JSON object, sent with `Content-Type: application/json`"
    return FieldProblem(location=str(location), pointer=pointer, detail=detail)


def _correlation_id(request: Request) -> str | None:
    correlation_id: str | None = request.scope.get("correlation_id")
    return correlation_id
