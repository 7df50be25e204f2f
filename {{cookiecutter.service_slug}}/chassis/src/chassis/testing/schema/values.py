"""Compares the members of an enumeration with the CHECK constraint of the column that stores them."""

import re
from collections.abc import Iterable

from sqlalchemy import CheckConstraint, Table


def check_values(table: Table, column: str, members: Iterable[str]) -> None:
    """Raise AssertionError, with the remedy, unless a CHECK constraint lists exactly these members.

    Args:
        table: as it is defined.
        column: such as `status`.
        members: of the enumeration.
    """
    expected = {str(each) for each in members}
    listed = {
        str(constraint.name): set(re.findall(r"'([^']*)'", text))
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint) and (text := str(constraint.sqltext)).startswith(f"{column} IN (")
    }
    assert listed, f"`{table.name}.{column}` has no CHECK constraint `{column} IN (...)`: add one, and a migration"
    for name, found in listed.items():
        missing, unknown = sorted(expected - found), sorted(found - expected)
        assert not missing, (
            f"the CHECK constraint `{name}` of `{table.name}` refuses {missing}: "
            "add it to the table's definition, then write a migration that replaces the constraint"
        )
        assert not unknown, f"the CHECK constraint `{name}` of `{table.name}` allows {unknown}, which do not exist"
