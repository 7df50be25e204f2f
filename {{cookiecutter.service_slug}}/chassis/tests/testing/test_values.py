"""A state that the CHECK constraint does not know is found."""

import pytest
import sqlalchemy as sa

from chassis.testing.schema import check_values

PARCELS = sa.Table(
    "parcels",
    sa.MetaData(),
    sa.Column("status", sa.String(16)),
    sa.CheckConstraint("status IN ('created', 'confirmed')", name="parcels_status"),
)


def test_members_and_constraint_may_agree() -> None:
    check_values(PARCELS, "status", ["confirmed", "created"])


def test_names_the_member_that_the_constraint_refuses() -> None:
    with pytest.raises(AssertionError, match=r"`parcels_status` of `parcels` refuses .'shipped'.: add it to the table"):
        check_values(PARCELS, "status", ["confirmed", "created", "shipped"])


def test_names_the_value_that_no_member_has() -> None:
    with pytest.raises(AssertionError, match=r"allows .'created'., which do not exist"):
        check_values(PARCELS, "status", ["confirmed"])


def test_names_a_column_without_a_constraint() -> None:
    with pytest.raises(AssertionError, match=r"`parcels.size` has no CHECK constraint"):
        check_values(PARCELS, "size", ["small"])
