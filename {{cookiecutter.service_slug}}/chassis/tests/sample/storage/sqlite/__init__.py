"""The sample's statements on SQLite."""

from chassis.database.port import Row, SqlDatabase
from chassis.database.sqlite import to_time, to_uuid
from tests.sample.domain.parcels import Parcel, Quantity, Reference, Status
from tests.sample.storage.sql import SqlParcels, Statements

COLUMNS = "id, reference, quantity, status, version, created_at, updated_at"


def to_parcel(row: Row) -> Parcel:
    """Map a row."""
    return Parcel(
        id=to_uuid(row[0]),
        reference=Reference(row[1]),
        quantity=Quantity(row[2]),
        status=Status(row[3]),
        version=row[4],
        created_at=to_time(row[5]),
        updated_at=to_time(row[6]),
    )


STATEMENTS = Statements(
    insert=f"INSERT INTO parcels ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
    select=f"SELECT {COLUMNS} FROM parcels WHERE id = ?",  # noqa: S608
    select_for_update=f"SELECT {COLUMNS} FROM parcels WHERE id = ?",  # noqa: S608
    update="""
    UPDATE parcels SET reference = ?, quantity = ?, status = ?, version = ?, updated_at = ?
    WHERE id = ? AND version = ?
    """,
    page=f"SELECT {COLUMNS} FROM parcels WHERE id < ? ORDER BY id DESC LIMIT ?",  # noqa: S608
    page_by_status=f"""
    SELECT {COLUMNS} FROM parcels
    WHERE status = ? AND id < ?
    ORDER BY id DESC LIMIT ?
    """,  # noqa: S608
    insert_label="INSERT INTO labels (id, text, version, created_at) VALUES (?, ?, ?, ?)",
    to_parcel=to_parcel,
)


def create_parcels(database: SqlDatabase) -> SqlParcels:
    """The parcels of a database."""
    return SqlParcels(database, STATEMENTS)
