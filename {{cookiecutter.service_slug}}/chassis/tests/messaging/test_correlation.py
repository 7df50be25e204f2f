"""The correlation of a request is that of the events it leads to."""

from typing import NoReturn

import pytest
from starlette.types import Receive, Scope, Send

from chassis.messaging.correlation import CorrelationContext, current_correlation
from chassis.messaging.http import CorrelationMiddleware

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def handle(headers: list[tuple[str, str]], type: str = "http") -> CorrelationContext | None:
    """The context in which an application handles a request."""
    seen: list[CorrelationContext | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive, send
        seen.append(current_correlation())

    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": type, "headers": encoded, "correlation_id": "call-7"}
    await CorrelationMiddleware(app)(scope, _never, _never)
    assert current_correlation() is None
    return seen[0]


async def _never(*_: object) -> NoReturn:
    """Neither receives nor sends."""
    raise AssertionError


@pytest.mark.parametrize(
    ("headers", "traceparent", "tracestate"),
    [
        ([], None, None),
        ([("traceparent", TRACE)], TRACE, None),
        ([("traceparent", TRACE), ("tracestate", "a=1")], TRACE, "a=1"),
        ([("traceparent", TRACE), ("tracestate", "a=1"), ("tracestate", "b=2")], TRACE, "a=1,b=2"),
        ([("tracestate", "a=1")], None, None),
        ([("traceparent", TRACE), ("tracestate", "x" * 513)], TRACE, None),
        ([("traceparent", TRACE), ("tracestate", "a=\xe4")], TRACE, None),
        ([("traceparent", TRACE.replace("00-", "ff-", 1))], None, None),
        ([("traceparent", "00-" + "0" * 32 + "-00f067aa0ba902b7-01")], None, None),
        ([("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01")], None, None),
        ([("traceparent", TRACE.upper())], None, None),
        ([("traceparent", TRACE + "-" + "0" * 8000)], None, None),
        ([("traceparent", "")], None, None),
    ],
)
async def test_the_trace_context_of_a_request_is_kept_if_it_is_well_formed(
    headers: list[tuple[str, str]], traceparent: str | None, tracestate: str | None
) -> None:
    assert await handle(headers) == CorrelationContext("call-7", "call-7", traceparent, tracestate)


async def test_only_requests_have_a_correlation() -> None:
    assert await handle([("traceparent", TRACE)], type="lifespan") is None
