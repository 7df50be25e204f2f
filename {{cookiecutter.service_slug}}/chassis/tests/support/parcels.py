"""The sample's parcels as the conformance suites of repositories need them, the same for every database."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis.identity import new_id
from chassis.testing.database import NOW, PagingConformance, RepositoryConformance
from tests.sample.domain.parcels import Parcel, Quantity, Reference


def new_parcel(reference: str = "A-1001") -> Parcel:
    """A new parcel, not stored."""
    return Parcel.create(id=new_id(), reference=Reference(reference), quantity=Quantity(3), at=NOW)


class ParcelConformance(RepositoryConformance[Parcel]):
    """Override `store`."""

    def new(self) -> Parcel:
        """A new parcel, not stored."""
        return new_parcel('Größe "42" \N{SNOWMAN} \\')

    def change(self, aggregate: Parcel) -> None:
        """One piece more."""
        later = aggregate.updated_at + timedelta(seconds=1)
        aggregate.amend(quantity=Quantity(aggregate.quantity.value + 1), at=later)


class ParcelPagingConformance(PagingConformance[Parcel]):
    """Override `store`."""

    def new(self) -> Parcel:
        """A new parcel, not stored."""
        return new_parcel()

    async def page(self, store: Any, after: UUID | None, limit: int) -> Sequence[Parcel]:
        """Parcels of any status."""
        found: Sequence[Parcel] = await store.page(None, after, limit)
        return found
