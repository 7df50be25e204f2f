"""Checks of migrations on a real database."""

from ..database.migrations import Migrations


def check_stairway(migrations: Migrations) -> None:
    """Upgrade, undo and upgrade again each revision, on an empty database: a downgrade must undo its upgrade."""
    for revision in migrations.revisions():
        migrations.upgrade(revision)
        migrations.undo(revision)
        migrations.upgrade(revision)
