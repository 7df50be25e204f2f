"""Table definitions of several packages, as one."""

from sqlalchemy import MetaData


def merged(*parts: MetaData) -> MetaData:
    """Copies of all tables: for a check of migrations that covers the chassis' tables too."""
    whole = MetaData()
    for part in parts:
        for table in part.tables.values():
            table.to_metadata(whole)
    return whole
