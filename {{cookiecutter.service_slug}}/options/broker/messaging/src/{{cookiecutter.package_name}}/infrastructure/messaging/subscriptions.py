"""Who takes which events, and what is done about each: event type -> use case.

To react to another service's events, name their types: the queue, group or consumer is made at start.
"""

from collections.abc import Mapping
from uuid import UUID

from ...domain.history import HistoryEntry
from ...domain.use_cases.record import Record
from .consumer import Reaction, Step
from .envelope import Envelope, InvalidEnvelope
from .schemas import PREFIX, AmendedData, CancelledData, ConfirmedData, CreatedData

HISTORY = "{{ cookiecutter.service_slug }}.history"

Subscriptions = Mapping[str, Mapping[str, Reaction]]


def subscriptions() -> Subscriptions:
    """Each consumer by name, with its reactions."""
    record = Record()

    async def keep(step: Step, envelope: Envelope) -> None:
        await record(step.history, _entry(envelope))

    return {
        # Needs every event of this service, because it refuses gaps.
        HISTORY: {
            f"{PREFIX}.created": Reaction(1, CreatedData, keep),
            f"{PREFIX}.amended": Reaction(1, AmendedData, keep),
            f"{PREFIX}.confirmed": Reaction(1, ConfirmedData, keep),
            f"{PREFIX}.cancelled": Reaction(1, CancelledData, keep),
        },
    }


def _entry(envelope: Envelope) -> HistoryEntry:
    """The event as the history keeps it. Raises InvalidEnvelope for one that this service cannot have sent."""
    if envelope.subject is None or envelope.aggregateversion is None or envelope.time is None:
        raise InvalidEnvelope("subject, aggregateversion and time are needed for the history")
    try:
        event_id, aggregate_id = UUID(envelope.id), UUID(envelope.subject)
    except ValueError:
        raise InvalidEnvelope("id and subject must be UUIDs for the history") from None
    return HistoryEntry(
        event_id=event_id,
        type=envelope.type,
        aggregate_id=aggregate_id,
        version=envelope.aggregateversion,
        occurred_at=envelope.time,
        data=envelope.data or {},
    )
