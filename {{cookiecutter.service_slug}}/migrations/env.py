"""What alembic's own command line runs; the service runs `{{ cookiecutter.service_slug }} migrate`."""

from chassis.database.migrations import run_environment

from {{ cookiecutter.package_name }}.infrastructure.schema import BRANCHES, create_metadata, create_target

tables_of_the_chassis = {table for branch in BRANCHES for table in branch.tables}
run_environment(create_target(), create_metadata(), tables_of_the_chassis)
