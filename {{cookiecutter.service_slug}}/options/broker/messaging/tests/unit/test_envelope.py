"""Anything may come in a message: it is understood, or refused with a reason that gives nothing away."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as any_of

from {{ cookiecutter.package_name }}.domain.causality import Cause
from {{ cookiecutter.package_name }}.infrastructure.messaging.envelope import Envelope, InvalidEnvelope, read

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
LEAST = {"specversion": "1.0", "id": "1", "source": "/elsewhere", "type": "a-service.thing.done"}
SECRET = "hunter2"  # noqa: S105 - stands for what nobody may read in a log

anything = any_of.recursive(
    any_of.none() | any_of.booleans() | any_of.integers() | any_of.floats() | any_of.text() | any_of.just(SECRET),
    lambda inner: any_of.lists(inner, max_size=3) | any_of.dictionaries(any_of.text(), inner, max_size=3),
    max_leaves=8,
)
envelopes = any_of.fixed_dictionaries({}, optional=dict.fromkeys(Envelope.model_fields, anything))


def refusal(body: bytes) -> str | None:
    """Why it is refused; None if it is not. Anything else that is raised fails the test."""
    try:
        read(body)
    except InvalidEnvelope as error:
        return str(error)
    return None


def with_(**changes: object) -> bytes:
    """The least that is an event, changed."""
    return json.dumps(LEAST | changes).encode()


@effort(deadline=None, derandomize=True)
@given(any_of.binary() | any_of.text().map(str.encode))
def test_bytes_of_any_kind_are_refused(body: bytes) -> None:
    assert refusal(body)


@effort(deadline=None, derandomize=True)
@given(anything)
def test_json_of_any_kind_is_refused(value: object) -> None:
    reason = refusal(json.dumps(value).encode())
    assert reason
    assert SECRET not in reason


@effort(deadline=None, derandomize=True)
@given(envelopes, any_of.booleans())
def test_attributes_of_any_kind_are_understood_or_refused(attributes: dict[str, Any], whole: bool) -> None:
    reason = refusal(json.dumps(LEAST | attributes if whole else attributes).encode())
    assert SECRET not in (reason or "")
    if reason is None:
        envelope = read(json.dumps(LEAST | attributes).encode())
        assert isinstance(envelope.major, int)
        assert envelope.cause.causation_id == envelope.id


@effort(deadline=None, derandomize=True)
@given(any_of.integers(0, 400), any_of.binary(min_size=1, max_size=3))
def test_a_message_that_was_damaged_is_understood_or_refused(place: int, damage: bytes) -> None:
    body = with_(data={"text": "ä" * 50})
    refusal(body[: place % len(body)] + damage + body[place % len(body) + 1 :])
    assert refusal(body[: place % len(body)])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"\xef\xbb\xbf" + with_(),
        with_().decode().encode("utf-16"),
        with_(data={"text": "caf\u00e9"}).replace(b"\\u00e9", b"\xe9"),
        with_() + with_(),
        with_(data=1).replace(b": 1}", b": " + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        with_(data=1).replace(b": 1}", b": " + b'{"a":' * 300 + b"1" + b"}" * 301),
        with_(data=1).replace(b": 1}", b": " + b"9" * 10_000 + b"}"),
        with_(data={"amount": float("nan")}),
        with_(data={"amount": float("-inf")}),
        *(with_(**{name: None}) for name in LEAST),
        *(json.dumps({key: value for key, value in LEAST.items() if key != name}).encode() for name in LEAST),
        with_(specversion="0.3"),
        with_(specversion=1.0),
        with_(id=""),
        with_(id=1),
        with_(id="a\x00b"),
        with_(id="a\nb"),
        with_(id="\ud800"),
        with_(id="x" * 256),
        with_(time="yesterday"),
        with_(time="2026-01-31T09:30:00"),
        with_(time=1769851800),
        with_(aggregateversion=0),
        with_(aggregateversion=2**31),
        with_(aggregateversion=10**30),
        with_(aggregateversion="1"),
        with_(aggregateversion=1.0),
        with_(aggregateversion=True),
    ],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    assert (refusal(body) or "").startswith("no CloudEvent: ")


@pytest.mark.parametrize(
    "body",
    [
        with_(),
        with_(data=None, subject=None, time=None, traceparent=None),
        with_(data=[1, "two"]),
        with_(datacontenttype="text/plain", data="NaN and Infinity"),
        with_(data_base64="AAAA", datacontenttype="application/octet-stream"),
        with_(newattribute={"what": "ever"}),
        with_(time="2026-01-31T10:30:00.123456789+01:00"),
        with_(traceparent="x" * 1000, tracestate="\n"),
        with_(dataschema="https://schemas.example.com:8443/things/7"),
    ],
)
def test_what_an_event_may_hold_beside_is_no_mistake(body: bytes) -> None:
    assert refusal(body) is None


def test_of_an_attribute_that_comes_twice_the_last_one_counts_as_for_every_reader() -> None:
    body = with_(id="second").replace(b"{", b'{"id": "first", ', 1)
    assert read(body).id == orjson.loads(body)["id"] == json.loads(body)["id"] == "second"


@pytest.mark.parametrize(
    ("dataschema", "major"),
    [
        (None, 1),
        ("", 1),
        ("urn:event-schema:a-service.thing.done:1.0", 1),
        ("urn:event-schema:a-service.thing.done:2.13", 2),
        ("urn:event-schema:a-service.thing.done:10.0", 10),
        ("urn:event-schema:a-service.thing.done", 1),
        ("https://schemas.example.com:8443/things", 1),
        ("urn:event-schema:a:٣.0", 1),
        ("urn:x:" + "9" * 5000 + ".0", 1),
    ],
)
def test_the_major_version_is_what_the_schema_says_and_one_where_it_says_nothing(
    dataschema: str | None, major: int
) -> None:
    assert read(with_(dataschema=dataschema)).major == major


@pytest.mark.parametrize(
    ("attributes", "cause"),
    [
        ({}, Cause("1", "1")),
        ({"correlationid": "call-7"}, Cause("call-7", "1")),
        ({"traceparent": TRACE, "tracestate": "a=1"}, Cause("1", "1", TRACE, "a=1")),
        ({"traceparent": TRACE, "tracestate": "a=\u00e4"}, Cause("1", "1", TRACE)),
        ({"traceparent": TRACE, "tracestate": "x" * 513}, Cause("1", "1", TRACE)),
        ({"traceparent": TRACE + "-more", "tracestate": "a=1"}, Cause("1", "1")),
        ({"traceparent": TRACE.upper()}, Cause("1", "1")),
        ({"tracestate": "a=1"}, Cause("1", "1")),
    ],
)
def test_what_follows_from_an_event_is_known_to_follow_from_it(attributes: dict[str, Any], cause: Cause) -> None:
    assert read(with_(**attributes)).cause == cause


def test_ids_are_told_apart_by_their_source() -> None:
    assert read(with_()).identity != read(with_(source="/another")).identity
