"""Finds the tables of a service, so that a forgotten registration is noticed."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from sqlalchemy import MetaData, Table


def check_tables_are_listed(package: str, metadata: MetaData) -> None:
    """Raise AssertionError, with the remedy, unless the metadata has every table of a package.

    Args:
        package: its modules named `tables` are imported, such as those of `billing_service.infrastructure`.
        metadata: the tables that migrations are compared with.
    """
    forgotten = [(module, name) for module, name in _defined(package) if name not in metadata.tables]
    assert not forgotten, "\n".join(
        f"table `{name}` of {module} is not in the service's metadata, so that no migration is made for it: "
        "add it to `create_metadata`"
        for module, name in forgotten
    )


def _defined(package: str) -> Iterator[tuple[str, str]]:
    for found in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
        if found.name.endswith(".tables"):
            for each in vars(import_module(found.name)).values():
                if isinstance(each, Table):
                    yield found.name, each.name
