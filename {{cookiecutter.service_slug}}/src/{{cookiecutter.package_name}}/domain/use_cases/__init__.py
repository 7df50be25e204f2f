"""One module for each thing the service can do, named by its verb."""

from dataclasses import dataclass

from .amend import Amend
from .cancel import Cancel
from .confirm import Confirm
from .create import Create

__all__ = ["Amend", "Cancel", "Confirm", "Create", "UseCases"]


@dataclass(frozen=True, slots=True)
class UseCases:
    """All of them, ready to be called."""

    create: Create
    amend: Amend
    confirm: Confirm
    cancel: Cancel
