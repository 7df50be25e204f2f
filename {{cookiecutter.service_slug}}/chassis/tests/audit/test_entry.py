"""Entries carry the caller, and texts that every database can store; their lines in the log carry no address."""

import pytest
import structlog

from chassis.audit.entry import DONE, MAX_ACTOR, MAX_NAME, REFUSED, AuditEntry
from chassis.caller import ANONYMOUS, Caller, acting_for
from chassis.identity import utc_now
from tests.support.logs import logged
from tests.support.parcels import new_parcel

CALLER = Caller(subject="zoe", client_id="web", address="10.1.2.3")


def test_a_change_is_recorded_with_its_caller() -> None:
    parcel = new_parcel()
    [event] = parcel.take_events()
    with acting_for(CALLER), structlog.contextvars.bound_contextvars(correlation_id="0b7e"):
        entry = AuditEntry.done(event)
    assert (entry.actor, entry.client_id, entry.address, entry.correlation_id) == ("zoe", "web", "10.1.2.3", "0b7e")
    assert (entry.action, entry.entity_kind, entry.entity_id) == ("created", "parcel", str(parcel.id))
    assert (entry.entity_version, entry.outcome, entry.reason) == (1, DONE, None)
    assert abs((utc_now() - entry.recorded_at).total_seconds()) < 5


def test_outside_of_a_request_nobody_is_named() -> None:
    entry = AuditEntry.refused("pay_invoice", "forbidden", None, None, None)
    assert (entry.actor, entry.client_id, entry.address, entry.correlation_id) == (ANONYMOUS, None, None, None)
    assert (entry.outcome, entry.reason) == (REFUSED, "forbidden")


@pytest.mark.parametrize(
    ("subject", "actor"),
    [("a\0b", "a?b"), ("\ud800", "?"), ("x" * 5_000, "x" * MAX_ACTOR), ("Zo\xeb \U0001f4e6", "Zo\xeb \U0001f4e6")],
)
def test_a_text_of_a_client_can_always_be_stored(subject: str, actor: str) -> None:
    with acting_for(Caller(subject=subject)):
        entry = AuditEntry.refused("get_invoice", "not-found", "invoice", "7" * 5_000, None)
    assert entry.actor == actor
    assert entry.entity_id == "7" * MAX_NAME


def test_a_line_in_the_log_has_everything_but_the_address() -> None:
    with logged() as lines, acting_for(CALLER), structlog.contextvars.bound_contextvars(correlation_id="0b7e"):
        entry = AuditEntry.refused("pay_invoice", "invalid-transition", "invoice", "7", 2)
        entry.log(stored=False)
    [line] = lines
    assert {name: line[name] for name in ("event", "logger", "level", "actor", "client_id", "action", "outcome")} == {
        "event": "audit",
        "logger": "audit",
        "level": "info",
        "actor": "zoe",
        "client_id": "web",
        "action": "pay_invoice",
        "outcome": "refused",
    }
    assert (line["entity_kind"], line["entity_id"], line["entity_version"]) == ("invoice", "7", 2)
    assert (line["reason"], line["correlation_id"], line["stored"]) == ("invalid-transition", "0b7e", False)
    assert line["entry_id"] == str(entry.id)
    assert "10.1.2.3" not in str(line)


def test_a_line_in_the_log_leaves_out_what_is_unknown() -> None:
    with logged() as lines:
        AuditEntry.refused("pay_invoice", "forbidden", None, None, None).log()
    assert {"client_id", "entity_kind", "entity_id", "entity_version"}.isdisjoint(lines[0])
