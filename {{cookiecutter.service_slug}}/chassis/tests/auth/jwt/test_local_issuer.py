"""`ENVIRONMENT=local` needs no OpenID provider: the service accepts tokens that its own command makes."""

import pytest
from click.testing import CliRunner, Result

from chassis.settings import load_settings
from chassis.testing.http import running

from .issuers import READ
from .served import Root, Settings, main

PROVIDER = {"AUTH_ISSUER": "https://login.example.com", "AUTH_AUDIENCE": "parcels"}


def run(*arguments: str, **variables: str) -> Result:
    """Run a command in an environment."""
    return CliRunner().invoke(main, arguments, env=variables)


async def status(token: str) -> int:
    """Of a read with this token."""
    async with running(Root().create_service(load_settings(Settings))) as client:
        return (await client.get(READ, headers={"authorization": f"Bearer {token}"})).status_code


async def test_a_token_of_the_command_is_accepted() -> None:
    assert await status(run("token").stdout.strip()) == 200
    assert await status(run("token", "--scope", "parcels:read").stdout.strip()) == 200
    assert await status(run("token", "--scope", "parcels:write").stdout.strip()) == 403


@pytest.mark.parametrize("variables", [PROVIDER, {**PROVIDER, "ENVIRONMENT": "dev"}])
def test_tokens_are_made_for_the_local_issuer_only(variables: dict[str, str]) -> None:
    result = run("token", **variables)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "only with ENVIRONMENT=local and without AUTH_ISSUER" in result.stderr


async def test_a_service_with_an_issuer_refuses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    token = run("token").stdout.strip()
    for name, value in {**PROVIDER, "AUTH_JWKS_URL": "http://127.0.0.1:9/"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AUTH_ALGORITHMS", "EdDSA")
    assert await status(token) == 503  # its key is not among those that are known: none are


def test_outside_local_the_service_does_not_start_without_an_issuer() -> None:
    result = run("serve", ENVIRONMENT="dev", SERVICE_NAME="x")
    assert result.exit_code == 2
    assert "AUTH_ISSUER: must be set where ENVIRONMENT=dev" in result.stderr
