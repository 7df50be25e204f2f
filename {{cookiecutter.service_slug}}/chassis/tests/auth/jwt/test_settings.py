"""Settings of access tokens: refused where no token could be accepted, or any could."""

from dataclasses import dataclass

import pytest

from chassis.auth.jwt import AuthSettings
from chassis.settings import InvalidSettings, ServiceSettings, load_settings

COMPLETE = {"AUTH_ISSUER": "https://login.example.com/shop", "AUTH_AUDIENCE": "parcels"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a service."""

    service: ServiceSettings
    auth: AuthSettings


def load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> AuthSettings:
    """The settings of this environment."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings(Settings).auth


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"AUTH_ISSUER": "login.example.com"}, "AUTH_ISSUER: must look like https://login.example.com/path"),
        (
            {"AUTH_ISSUER": "https://a:b@login.example.com"},
            "AUTH_ISSUER: must look like https://login.example.com/path",
        ),
        ({"AUTH_ALGORITHMS": "HS256"}, "AUTH_ALGORITHMS: must be some of"),
        ({"AUTH_ALGORITHMS": "RS256,none"}, "AUTH_ALGORITHMS: must be some of"),
        ({"AUTH_ALGORITHMS": ","}, "AUTH_ALGORITHMS: must be some of"),
        ({"AUTH_AUDIENCE": "parcels"}, "AUTH_*: set AUTH_ISSUER too"),
        ({"AUTH_ISSUER": "https://login.example.com"}, "AUTH_*: set AUTH_AUDIENCE too"),
        ({"ENVIRONMENT": "dev"}, "AUTH_ISSUER: must be set where ENVIRONMENT=dev"),
        (
            {**COMPLETE, "ENVIRONMENT": "production", "AUTH_ISSUER": "http://login.example.com"},
            "AUTH_ISSUER: must be https",
        ),
        (
            {**COMPLETE, "ENVIRONMENT": "production", "AUTH_JWKS_URL": "http://keys.example.com"},
            "AUTH_JWKS_URL: must be",
        ),
    ],
)
def test_what_is_refused(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], problem: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        load(monkeypatch, **variables)
    assert problem in "\n".join(refused.value.problems)


def test_nothing_need_be_set_in_local_and_two_variables_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch).issuer is None
    settings = load(monkeypatch, **COMPLETE, ENVIRONMENT="production")
    assert settings.accepted_algorithms == {"RS256", "PS256", "ES256", "EdDSA"}
