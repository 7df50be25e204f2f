"""Two releases of the sample: the environment says which one a process is."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from chassis.domain import DomainEvent
from chassis.messaging.contracts import EventCatalog
from tests.sample.api import confirm_now
from tests.sample.domain import labels, parcels
from tests.sample.domain.parcels import Parcel
from tests.sample.messaging.contracts import CATALOG

RELEASE, NEWER = "SAMPLE_RELEASE", "newer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The parts in which the releases differ."""

    events: tuple[type[DomainEvent], ...]
    catalog: EventCatalog
    confirm: Callable[[Parcel], None]


def release() -> Release:
    """The release that the environment asks for: the older one by default."""
    older = Release(events=(*parcels.EVENTS, *labels.EVENTS), catalog=CATALOG, confirm=confirm_now)
    if os.environ.get(RELEASE) != NEWER:
        return older
    # Not imported otherwise: the older release has no such event.
    from tests.sample.messaging import newer_release

    return Release(
        events=(*older.events, newer_release.ParcelSealed),
        catalog=newer_release.catalog(),
        confirm=newer_release.seal_and_confirm,
    )
