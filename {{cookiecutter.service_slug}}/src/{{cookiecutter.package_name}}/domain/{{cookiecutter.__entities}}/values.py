"""Values that cannot exist in an invalid state."""

import re
from dataclasses import dataclass
from enum import StrEnum

from chassis.domain import InvalidValue

REFERENCE_MAX_LENGTH = 64
# Visible at both ends, no control characters anywhere: what a person can read back over the telephone.
REFERENCE_PATTERN = r"^[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?$"
QUANTITY_MAX = 1_000_000

_reference = re.compile(REFERENCE_PATTERN[:-1] + r"\Z")


class Status(StrEnum):
    """The states in the life cycle of {{ cookiecutter.__a_noun }}."""

    CREATED = "created"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Reference:
    """The customer's name for {{ cookiecutter.__a_noun }}: 1 to 64 visible characters."""

    value: str

    def __post_init__(self) -> None:
        if len(self.value) > REFERENCE_MAX_LENGTH or not _reference.match(self.value):
            raise InvalidValue("reference", f"must be 1 to {REFERENCE_MAX_LENGTH} visible characters")


@dataclass(frozen=True, slots=True)
class Quantity:
    """Number of pieces: 1 to 1,000,000."""

    value: int

    def __post_init__(self) -> None:
        if not 1 <= self.value <= QUANTITY_MAX:
            raise InvalidValue("quantity", f"must be 1 to {QUANTITY_MAX}")
