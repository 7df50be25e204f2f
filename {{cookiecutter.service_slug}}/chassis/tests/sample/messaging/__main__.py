"""The command line of the sample."""

from typing import Any, cast

from chassis.cli import Bootstrap, Migrations, create_cli
from chassis.messaging.cli import COMMANDS
from tests.sample.messaging.choices import storage_adapters
from tests.sample.messaging.settings import settings_class


def bootstrap() -> Bootstrap:
    """Imported only by commands that need it."""
    from tests.sample.messaging import bootstrap

    return cast(Bootstrap, bootstrap)


def migrations(settings: Any) -> Migrations:
    """The schema of the chosen database."""
    return storage_adapters().create_migrations(settings.database)


# Any distribution that is installed; its version is shown.
main = create_cli("click", settings=settings_class, bootstrap=bootstrap, migrations=migrations, has_worker=True)
for command in COMMANDS:
    main.add_command(command)

if __name__ == "__main__":
    main()
