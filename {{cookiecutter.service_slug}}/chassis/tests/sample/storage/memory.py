"""Parcels and labels in memory."""

from collections.abc import Sequence
from uuid import UUID

from chassis.database.memory import MemoryAggregates
from tests.sample.domain.labels import Label
from tests.sample.domain.parcels import Parcel, Status


class MemoryParcels(MemoryAggregates[Parcel]):
    """Copies of parcels in a dictionary."""

    aggregate = Parcel

    async def page(self, status: Status | None, after: UUID | None, limit: int) -> Sequence[Parcel]:
        """The newest first, those after a given id."""
        return self.newest(lambda parcel: status is None or parcel.status is status, after, limit)


class MemoryLabels(MemoryAggregates[Label]):
    """Copies of labels in a dictionary."""

    aggregate = Label
