"""A message may hold anything: it is parsed, or refused with a reason that reveals none of its values."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as any_of

from chassis.messaging.contracts import Envelope, InvalidEnvelope, parse_envelope
from chassis.messaging.correlation import CorrelationContext

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SMALLEST = {"specversion": "1.0", "id": "1", "source": "/another-service", "type": "a-service.thing.done"}
SECRET = "hunter2"  # noqa: S105 - stands for a value that must not appear in a log

anything = any_of.recursive(
    any_of.none() | any_of.booleans() | any_of.integers() | any_of.floats() | any_of.text() | any_of.just(SECRET),
    lambda inner: any_of.lists(inner, max_size=3) | any_of.dictionaries(any_of.text(), inner, max_size=3),
    max_leaves=8,
)
envelopes = any_of.fixed_dictionaries({}, optional=dict.fromkeys(Envelope.model_fields, anything))


def refusal(body: bytes) -> str | None:
    """Why a message is refused; None if it is not. Any other error fails the test."""
    try:
        parse_envelope(body)
    except InvalidEnvelope as error:
        return str(error)
    return None


def with_(**changes: object) -> bytes:
    """The smallest valid event, changed."""
    return json.dumps(SMALLEST | changes).encode()


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
def test_attributes_of_any_kind_are_parsed_or_refused(attributes: dict[str, Any], whole: bool) -> None:
    reason = refusal(json.dumps(SMALLEST | attributes if whole else attributes).encode())
    assert SECRET not in (reason or "")
    if reason is None:
        envelope = parse_envelope(json.dumps(SMALLEST | attributes).encode())
        assert isinstance(envelope.major, int)
        assert envelope.correlation.causation_id == envelope.id


@effort(deadline=None, derandomize=True)
@given(any_of.integers(0, 400), any_of.binary(min_size=1, max_size=3))
def test_a_damaged_message_is_parsed_or_refused(place: int, damage: bytes) -> None:
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
        with_(data={"amount": 2**64}),
        with_(data=[{"amount": -(2**63) - 1}]),
        *(with_(**{name: None}) for name in SMALLEST),
        *(json.dumps({key: value for key, value in SMALLEST.items() if key != name}).encode() for name in SMALLEST),
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
def test_an_invalid_event_is_refused(body: bytes) -> None:
    assert (refusal(body) or "").startswith("not a CloudEvent: ")


def test_a_refusal_says_what_a_sender_has_to_change() -> None:
    assert "byte order mark" in str(refusal(b"\xef\xbb\xbf" + with_()))
    assert "more than 64 bits" in str(refusal(with_(data={"amount": 2**64})))


@pytest.mark.parametrize(
    "body",
    [
        with_(),
        with_(data=None, subject=None, time=None, traceparent=None),
        with_(data=[1, "two"]),
        with_(data={"amounts": [2**64 - 1, -(2**63)], "text": "9" * 50}),
        with_(datacontenttype="text/plain", data="NaN and Infinity"),
        with_(data_base64="AAAA", datacontenttype="application/octet-stream"),
        with_(newattribute={"what": "ever"}),
        with_(time="2026-01-31T10:30:00.123456789+01:00"),
        with_(traceparent="x" * 1000, tracestate="\n"),
        with_(dataschema="https://schemas.example.com:8443/things/7"),
    ],
)
def test_an_event_may_hold_anything_else(body: bytes) -> None:
    assert refusal(body) is None


def test_the_last_of_a_repeated_attribute_counts_as_in_other_parsers() -> None:
    body = with_(id="second").replace(b"{", b'{"id": "first", ', 1)
    assert parse_envelope(body).id == orjson.loads(body)["id"] == json.loads(body)["id"] == "second"


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
def test_the_major_version_is_that_of_the_schema_and_one_without_a_version(dataschema: str | None, major: int) -> None:
    assert parse_envelope(with_(dataschema=dataschema)).major == major


@pytest.mark.parametrize(
    ("attributes", "context"),
    [
        ({}, CorrelationContext("1", "1")),
        ({"correlationid": "call-7"}, CorrelationContext("call-7", "1")),
        ({"traceparent": TRACE, "tracestate": "a=1"}, CorrelationContext("1", "1", TRACE, "a=1")),
        ({"traceparent": TRACE, "tracestate": "a=\u00e4"}, CorrelationContext("1", "1", TRACE)),
        ({"traceparent": TRACE, "tracestate": "x" * 513}, CorrelationContext("1", "1", TRACE)),
        ({"traceparent": TRACE + "-more", "tracestate": "a=1"}, CorrelationContext("1", "1")),
        ({"traceparent": TRACE.upper()}, CorrelationContext("1", "1")),
        ({"tracestate": "a=1"}, CorrelationContext("1", "1")),
    ],
)
def test_an_event_is_the_cause_of_what_follows_from_it(attributes: dict[str, Any], context: CorrelationContext) -> None:
    assert parse_envelope(with_(**attributes)).correlation == context


def test_ids_are_unique_within_their_source() -> None:
    assert parse_envelope(with_()).identity != parse_envelope(with_(source="/another")).identity
