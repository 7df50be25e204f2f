"""The command that makes an access token for `ENVIRONMENT=local`."""

import click

from ...cli import Context
from ...settings import Environment


@click.command("token")
@click.option("--scope", default="", help="Permissions, separated by spaces. [default: all of the service]")
@click.option("--subject", default="developer", show_default=True, help="Who sends requests with it.")
@click.option(
    "--minutes", type=click.IntRange(1, 10_080), default=720, show_default=True, help="How long it is accepted."
)
@click.pass_obj
def token(context: Context, scope: str, subject: str, minutes: int) -> None:
    """Print an access token for a service that runs with ENVIRONMENT=local and without AUTH_ISSUER."""
    settings = context.settings("auth", prints=True)
    if settings.service.environment is not Environment.LOCAL or settings.auth.issuer is not None:
        raise click.UsageError("only with ENVIRONMENT=local and without AUTH_ISSUER; elsewhere the issuer makes tokens")
    from datetime import timedelta

    from ...identity import utc_now
    from ..permissions import declared_permissions
    from .local_issuer import LocalIssuer

    service = context.bootstrap().create_service_in_memory(settings)
    issuer = LocalIssuer(context.bootstrap().SERVICE.name)
    click.echo(
        issuer.create_token(
            subject=subject,
            scope=scope or " ".join(declared_permissions(service.app.openapi())),
            now=utc_now(),
            lifetime=timedelta(minutes=minutes),
        )
    )
