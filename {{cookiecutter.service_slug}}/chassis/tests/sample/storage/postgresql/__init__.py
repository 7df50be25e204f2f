"""The sample's statements on PostgreSQL."""

from chassis.database.port import Row, SqlDatabase
from tests.sample.domain.parcels import Parcel, Quantity, Reference, Status
from tests.sample.storage.sql import SqlParcels, Statements

COLUMNS = "id, reference, quantity, status, version, created_at, updated_at"


def to_parcel(row: Row) -> Parcel:
    """Map a row."""
    return Parcel(
        id=row[0],
        reference=Reference(row[1]),
        quantity=Quantity(row[2]),
        status=Status(row[3]),
        version=row[4],
        created_at=row[5],
        updated_at=row[6],
    )


STATEMENTS = Statements(
    insert=f"INSERT INTO parcels ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)",  # noqa: S608
    select=f"SELECT {COLUMNS} FROM parcels WHERE id = $1",  # noqa: S608
    select_for_update=f"SELECT {COLUMNS} FROM parcels WHERE id = $1 FOR NO KEY UPDATE",  # noqa: S608
    update="""
    UPDATE parcels SET reference = $1, quantity = $2, status = $3, version = $4, updated_at = $5
    WHERE id = $6 AND version = $7
    """,
    page=f"SELECT {COLUMNS} FROM parcels WHERE id < $1 ORDER BY id DESC LIMIT $2",  # noqa: S608
    page_by_status=f"""
    SELECT {COLUMNS} FROM parcels
    WHERE (status, id) < ($1, $2) AND status >= $1
    ORDER BY status DESC, id DESC LIMIT $3
    """,  # noqa: S608
    insert_label="INSERT INTO labels (id, text, version, created_at) VALUES ($1, $2, $3, $4)",
    to_parcel=to_parcel,
)


def create_parcels(database: SqlDatabase) -> SqlParcels:
    """The parcels of a database."""
    return SqlParcels(database, STATEMENTS)
