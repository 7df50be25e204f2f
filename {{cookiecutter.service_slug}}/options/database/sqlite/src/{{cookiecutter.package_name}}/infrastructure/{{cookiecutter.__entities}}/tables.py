"""The table of {{ cookiecutter.__nouns }} as migrations should leave it; requests never come here."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, Table, Text

metadata = MetaData()

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
        "quantity BETWEEN 1 AND 1000000",
        name="{{ cookiecutter.__entities }}_quantity",
    ),
    CheckConstraint(
        "status IN ('created', 'confirmed', 'cancelled')",
        name="{{ cookiecutter.__entities }}_status",
    ),
    Index(
        "{{ cookiecutter.__entities }}_by_status",
        "status",
        "id",
    ),
)
