"""What callers may do, and the roles of the identity provider that stand for it.

A permission is `<resource>:read` or `<resource>:write`; each route names the one that it needs. A caller has those in
the `scope` of its token, and those of its roles.
"""

from chassis.auth import Roles

ROLES: Roles = {
    "{{ cookiecutter.__resource }}-reader": frozenset({"{{ cookiecutter.__resource }}:read"}),
    "{{ cookiecutter.__resource }}-editor": frozenset(
        {
            "{{ cookiecutter.__resource }}:read",
            "{{ cookiecutter.__resource }}:write",
        }
    ),
}
