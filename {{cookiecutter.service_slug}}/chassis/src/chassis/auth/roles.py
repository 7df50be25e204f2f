"""Roles, as an identity provider gives them, and the permissions that they stand for."""

from collections.abc import Iterable, Mapping

# By role; a role that is not named gives nothing.
Roles = Mapping[str, frozenset[str]]


def permissions_of(roles: Iterable[str], table: Roles) -> frozenset[str]:
    """The permissions of all roles together.

    Args:
        roles: of the caller.
        table: what each role may do.
    """
    return frozenset().union(*(table.get(role, frozenset()) for role in roles))
