"""Permissions of callers."""

from .permissions import PermittedRoute, UndeclaredPermission, caller_of, public, requires
from .roles import Roles, permissions_of

__all__ = [
    "PermittedRoute",
    "Roles",
    "UndeclaredPermission",
    "caller_of",
    "permissions_of",
    "public",
    "requires",
]
