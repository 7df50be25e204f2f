"""The table of {{ cookiecutter.__nouns }} as migrations should leave it; requests never come here."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, String, Table, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP

from ...domain.{{ cookiecutter.__entities }}.values import QUANTITY_MAX, Status

metadata = MetaData()
# A state that is new here needs a migration too, which autogenerate does not write: docs/how-to/add-a-state.md.
STATUSES = ", ".join(f"'{each}'" for each in Status)

{{ cookiecutter.__entities }} = Table(
    "{{ cookiecutter.__entities }}",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("reference", String(64), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Column("updated_at", TIMESTAMP(timezone=True), nullable=False),
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
)
