"""Permissions of callers."""

from .permissions import PermittedRouter, UndeclaredPermission, caller_of, public, requires
from .roles import Roles, permissions_of

__all__ = [
    "PermittedRouter",
    "Roles",
    "UndeclaredPermission",
    "caller_of",
    "permissions_of",
    "public",
    "requires",
]
