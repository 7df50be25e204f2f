"""Its command line."""

from chassis.cli import Bootstrap, Migrations, create_cli
from tests.served import NAME, Settings


def bootstrap() -> Bootstrap:
    """Imported only by commands that need it."""
    from tests.served import bootstrap

    return bootstrap


def migrations(_: Settings) -> Migrations:
    """None without a database."""
    raise NotImplementedError


main = create_cli(NAME, settings=lambda: Settings, bootstrap=bootstrap, migrations=migrations)

if __name__ == "__main__":
    main()
