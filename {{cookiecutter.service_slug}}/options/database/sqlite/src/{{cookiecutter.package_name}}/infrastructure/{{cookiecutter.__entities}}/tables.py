"""The table of {{ cookiecutter.__nouns }} as migrations should leave it; requests never come here."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, Table, Text

from ...domain.{{ cookiecutter.__entities }}.values import QUANTITY_MAX, Status

metadata = MetaData()
# A state that is new here needs a migration too, which autogenerate does not write: docs/how-to/add-a-state.md.
STATUSES = ", ".join(f"'{each}'" for each in Status)

{{ cookiecutter.__entities }} = Table(
    "{{ cookiecutter.__entities }}",
    metadata,
    Column("id", Text, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    CheckConstraint(
        f"quantity BETWEEN 1 AND {QUANTITY_MAX}",
        name="{{ cookiecutter.__entities }}_quantity",
    ),
    CheckConstraint(
        f"status IN ({STATUSES})",
        name="{{ cookiecutter.__entities }}_status",
    ),
    Index(
        "{{ cookiecutter.__entities }}_by_status",
        "status",
        "id",
    ),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)
