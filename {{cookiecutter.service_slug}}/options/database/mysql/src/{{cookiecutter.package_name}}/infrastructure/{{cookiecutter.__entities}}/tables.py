"""The table of {{ cookiecutter.__nouns }} as migrations should leave it; requests never come here."""

from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, String, Table
from sqlalchemy.dialects.mysql import BINARY, DATETIME

from ...domain.{{ cookiecutter.__entities }}.values import QUANTITY_MAX, Status

# The collation compares text as it is written: letters with and without case or accents differ.
OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
MOMENT = DATETIME(fsp=6)  # in UTC; TIMESTAMP would end in 2038

metadata = MetaData()
# A state that is new here needs a migration too, which autogenerate does not write: docs/how-to/add-a-state.md.
STATUSES = ", ".join(f"'{each}'" for each in Status)

{{ cookiecutter.__entities }} = Table(
    "{{ cookiecutter.__entities }}",
    metadata,
    # Sixteen bytes in the order of time. As text an id would take 36, here and once more in every index.
    Column("id", BINARY(16), primary_key=True),
    Column("reference", String(64), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
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
    **OPTIONS,
)
