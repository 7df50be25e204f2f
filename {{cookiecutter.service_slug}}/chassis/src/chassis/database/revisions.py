"""Schema revisions, read from migration files: the request path checks them without importing alembic."""

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Unavailable


@dataclass(frozen=True, slots=True)
class Branch:
    """Migrations that a package brings for tables of its own: an independent alembic branch.

    Args:
        label: of the branch.
        folder: of its revision files.
        tables: that belong to it; autogenerate in a service leaves them alone.
    """

    label: str
    folder: Path
    tables: frozenset[str]


class Revisions:
    """The revisions that this release knows.

    A revision in the database that it does not know comes from a newer release. That is fine, because migrations only
    add what an older release does not need: after a rollback, the older release runs on the newer schema.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        """Read revision files.

        Args:
            folders: that hold them, the service's own and those of each `Branch`.
        """
        self._parents = {
            revision: parents
            for folder in folders
            for file in sorted(folder.glob("*.py"))
            for revision, parents in _read(file)
        }

    @property
    def known(self) -> frozenset[str]:
        """Every revision."""
        return frozenset(self._parents)

    @property
    def heads(self) -> frozenset[str]:
        """The newest revision of each branch."""
        return self.known - {parent for parents in self._parents.values() for parent in parents}

    def behind(self, current: Collection[str]) -> frozenset[str]:
        """Heads that a database has not reached.

        Args:
            current: the revisions of its branches. One that is unknown stands for a branch whose revisions are newer.
        """
        newer = not self.known.issuperset(current)
        return frozenset(
            head for head in self.heads.difference(current) if not newer or not self._lineage(head).isdisjoint(current)
        )

    def verify(self, current: Collection[str]) -> None:
        """Raise Unavailable unless a database has reached every head."""
        if self.behind(current):
            raise Unavailable("database", "schema is incomplete: run `migrate`")

    def _lineage(self, revision: str) -> set[str]:
        """A revision and all before it."""
        found: set[str] = set()
        pending = [revision]
        while pending:
            if (each := pending.pop()) not in found:
                found.add(each)
                pending += self._parents.get(each, ())
        return found


def _read(file: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The revision of a file and those before it; nothing if it is no revision."""
    values = dict(_constants(ast.parse(file.read_text("utf-8"))))
    if isinstance(revision := values.get("revision"), str):
        parents = values.get("down_revision") or ()
        yield revision, (parents,) if isinstance(parents, str) else tuple(parents)


def _constants(module: ast.Module) -> Iterator[tuple[str, Any]]:
    for statement in module.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        if name in ("revision", "down_revision"):
            yield name, ast.literal_eval(value)
