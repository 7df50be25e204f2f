{% from "slots.jinja" import slot with context -%}
"""The command line. Imports what a command needs only when it runs, so that `--help` answers at once."""

{{ slot("main/imports-first") }}from typing import TYPE_CHECKING, cast

{{ slot("main/imports-chassis") }}from chassis.cli import Bootstrap, create_cli
{{ slot("main/imports") }}
if TYPE_CHECKING:
    from chassis.database.migrations import Migrations

    from .config.settings import Settings


def _settings() -> "type[Settings]":
    from .config.settings import Settings

    return Settings


def _bootstrap() -> Bootstrap:
    from . import bootstrap

    return cast(Bootstrap, bootstrap)


def _migrations(settings: "Settings") -> "Migrations":
    from .infrastructure.schema import create_migrations

    return create_migrations(settings.database)


{{ slot("main/functions") }}main = create_cli(
    "{{ cookiecutter.service_slug }}",
    settings=_settings,
    bootstrap=_bootstrap,
    migrations=_migrations,
{{ slot("main/arguments") }})
{{ slot("main/commands") }}
if __name__ == "__main__":
    main()
