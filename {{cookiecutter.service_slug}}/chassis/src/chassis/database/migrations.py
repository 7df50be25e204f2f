"""Runs alembic over the service's migrations and those of the chassis. Never imported while requests are served."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import structlog
from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from ..errors import Unavailable
from .revisions import Branch, Revisions

HEADS = "heads"
Steps = Callable[[Any, Any], Iterable[Any]]
_log = structlog.stdlib.get_logger("migrations")
_quoted = re.compile(r"(['\"]).*\1", re.DOTALL)


class MigrationTarget(Protocol):
    """The database that is migrated."""

    @property
    def render_as_batch(self) -> bool:
        """Whether tables can only be altered by copying them."""
        ...

    def engine(self) -> Engine:
        """An engine that opens one connection and keeps none."""
        ...

    def guarded(self, connection: Connection) -> AbstractContextManager[None]:
        """Wait until no other process migrates. Commits at the end of the block."""
        ...


class SchemaDiffers(Exception):
    """The tables in the database are not those of the metadata."""

    def __init__(self, differences: Sequence[Any]) -> None:
        super().__init__("\n".join(map(repr, differences)))


class Migrations:
    """Migrations of a database, from several independent branches."""

    def __init__(self, target: MigrationTarget, branches: Sequence[Branch], metadata: MetaData) -> None:
        """Describe migrations; nothing is read or opened yet.

        Args:
            target: the database.
            branches: the service's own, which names no tables, and those of the chassis' packages in use.
            metadata: the service's own tables.
        """
        self._target = target
        self._branches = branches
        self._metadata = metadata
        self._tables_to_ignore = frozenset[str]().union(*(branch.tables for branch in branches))

    def upgrade(self, revision: str = HEADS) -> None:
        """Upgrade the schema; several processes may call this at once: one does the work and the others wait.

        A branch whose schema is newer than this release stays as it is: after a rollback, the older release runs on
        it, because migrations only add what an older release does not need.

        Args:
            revision: where to stop; by default the newest of each branch.

        Raises:
            Unavailable: the database cannot be used.
        """
        scripts, revisions = self._scripts(), Revisions(branch.folder for branch in self._branches)
        if unread := {script.revision for script in scripts.walk_revisions()} - revisions.known:
            raise ValueError(f"`revision` and `down_revision` must be assigned on lines of their own: {sorted(unread)}")

        def steps(current: Any, _: Any) -> list[Any]:
            if newer := set(current) - revisions.known:
                _log.warning("schema is newer than this release; left as it is", revisions=sorted(newer))
            upper = tuple(sorted(revisions.behind(current))) if revision == HEADS else (revision,)
            lower = tuple(sorted(revisions.known.intersection(current)))
            found = scripts.iterate_revisions(upper, lower, implicit_base=True) if upper else ()
            return [MigrationStep.upgrade_from_script(scripts.revision_map, each) for each in reversed(list(found))]

        self._run(scripts, steps)

    def downgrade(self, revision: str) -> None:
        """Downgrade to a revision, or by `revision@base` or `base` to nothing; data in dropped tables is lost."""
        scripts = self._scripts()

        def steps(current: Any, _: Any) -> list[Any]:
            found = scripts.iterate_revisions(current, revision, select_for_downgrade=True)
            return [MigrationStep.downgrade_from_script(scripts.revision_map, each) for each in found]

        self._run(scripts, steps)

    def undo(self, revision: str) -> None:
        """Downgrade to the state before a revision; later revisions of its branch are undone too."""
        script = self._scripts().get_revision(revision)
        self.downgrade(f"{revision}@{script.down_revision or 'base'}")

    def check(self) -> None:
        """Compare the database with the metadata. Raises SchemaDiffers, Unavailable."""
        with self._connected() as connection:
            Revisions(branch.folder for branch in self._branches).verify(current_revisions(connection))
            options = _options(self._target, self._metadata, self._tables_to_ignore)
            configured = MigrationContext.configure(connection, opts=options)
            if differences := compare_metadata(configured, self._metadata):
                raise SchemaDiffers(differences)

    def revise(self, message: str, branch: Branch) -> None:
        """Write a new revision of a branch from the difference between the database and the metadata.

        Args:
            message: what changes.
            branch: the service's own; `env.py` and `script.py.mako` lie beside its folder.
        """
        own = Revisions([branch.folder])
        head = next(iter(sorted(own.heads)), "base")
        config = self._config(branch.folder.parent)
        command.revision(config, message, autogenerate=True, head=head, version_path=str(branch.folder))

    def revisions(self) -> list[str]:
        """All revisions, each after those that it needs."""
        return [script.revision for script in self._scripts().walk_revisions()][::-1]

    def _run(self, scripts: ScriptDirectory, steps: Steps) -> None:
        with self._connected() as connection, self._target.guarded(connection), _without_row_values():
            before: list[str] = []

            def recorded(current: Any, migration: Any) -> Iterable[Any]:
                before.extend(current)
                return steps(current, migration)

            with EnvironmentContext(Config(), scripts, fn=recorded) as environment:
                options = _options(self._target, self._metadata, self._tables_to_ignore)
                environment.configure(connection=connection, target_metadata=self._metadata, **options)
                with environment.begin_transaction():
                    environment.run_migrations()
            _log.info("schema is up to date", before=sorted(before), now=sorted(current_revisions(connection)))

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            connection = self._target.engine().connect()
            current_revisions(connection)  # the first read: a file that is not a database can be connected to
            connection.rollback()
        except DBAPIError as error:
            raise Unavailable("database", str(error.orig).splitlines()[0]) from error
        with connection:
            yield connection

    def _scripts(self) -> ScriptDirectory:
        return ScriptDirectory.from_config(self._config(self._branches[0].folder))

    def _config(self, folder: Path) -> Config:
        """Alembic's configuration; where there is an `alembic.ini`, it decides how new revisions are written."""
        file = folder.parent / "alembic.ini"
        config = Config(file) if file.is_file() else Config()
        locations = ":".join(str(branch.folder.absolute()) for branch in self._branches)
        for name, value in (("script_location", str(folder.absolute())), ("version_locations", locations)):
            config.set_main_option(name, value.replace("%", "%%"))
        config.set_main_option("path_separator", ":")
        return config


def current_revisions(connection: Connection) -> tuple[str, ...]:
    """The revisions of the branches in a database; none before the first migration."""
    return MigrationContext.configure(connection).get_current_heads()


def run_environment(target: MigrationTarget, metadata: MetaData, tables_to_ignore: Collection[str]) -> None:
    """Run what alembic's command line was asked for: the whole content of a service's `migrations/env.py`.

    Args:
        target: the database.
        metadata: the service's own tables.
        tables_to_ignore: those of the chassis, `Branch.tables`: autogenerate leaves them alone.
    """
    options = _options(target, metadata, frozenset(tables_to_ignore))
    with target.engine().connect() as connection, target.guarded(connection), _without_row_values():
        context.configure(connection=connection, target_metadata=metadata, **options)
        with context.begin_transaction():
            context.run_migrations()


def _options(target: MigrationTarget, metadata: MetaData, tables_to_ignore: frozenset[str]) -> dict[str, Any]:
    def is_included(_: Any, name: str | None, type: str, *__: object) -> bool:
        return type != "table" or name not in tables_to_ignore or name in metadata.tables

    return {
        "compare_server_default": True,
        "render_as_batch": target.render_as_batch,
        "include_object": is_included,
    }


@contextmanager
def _without_row_values() -> Iterator[None]:
    """Remove row values from errors of a migration, because tracebacks are logged."""
    try:
        yield
    except DBAPIError as error:
        reason = (str(error.orig).splitlines() or [""])[0]
        if isinstance(error, DataError | IntegrityError):
            reason = _quoted.sub("...", reason)
        error.args = (reason,)
        error.hide_parameters = True
        if error.orig is not None:
            error.orig.args = (reason,)
        raise
