"""Lets tests take the database away."""

from {{ cookiecutter.package_name }}.domain.errors import Unavailable


async def away(*_: object) -> None:
    """What happens to everything while nobody can use it."""
    raise Unavailable("database", "cannot be reached")
