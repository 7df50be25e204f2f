"""What a cluster would get: every environment fits the code and is consistent.

A schema finds most of what a cluster refuses. The rules find what it accepts without running it as intended.
"""

from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
from chassis.http.application import Service
from chassis.settings import load_settings, sections
from chassis.testing.manifests import RULES, Cluster, Rule, render, render_all

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ["dev", "staging", "production"]
# The commands of the service, each in a container of its own.
COMMANDS = "{{ 'migrate, serve' if cookiecutter.broker == 'none' else 'migrate, serve, worker' if cookiecutter.database in cookiecutter._layers['broker/on-server']['database'] else 'migrate, serve --worker' }}"
# Made by hand in each environment: docs/deployment.md.
SECRETS = "{{ cookiecutter.service_slug ~ '-secrets' if cookiecutter.__secret_keys and cookiecutter.secrets == 'kubernetes' }}"


@cache
def objects(environment: str) -> Any:
    """The objects of an environment; `everything` is production with all components."""
    if environment == "everything":
        return render_all(ROOT / "environments" / "production", ROOT / "k8s" / "components")
    return render(ROOT / "environments" / environment)


def cluster(environment: str, settings: Any) -> Cluster:
    """An environment, to be compared with the settings."""
    return Cluster(objects(environment), sections(type(settings)).values(), SECRETS.split())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("environment", [*ENVIRONMENTS, "everything"])
def test_in_every_environment(environment: str, rule: Rule, settings: Any) -> None:
    assert [*rule(cluster(environment, settings))] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_variable_is_a_setting(environment: str, settings: Any) -> None:
    known = {section.variable(name) for section in sections(type(settings)).values() for name in section.model_fields}
    given = {name for container in cluster(environment, settings).containers for name in container.environment}
    assert given <= known, f"not a setting: {', '.join(sorted(given - known))}"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_command_is_given_what_it_needs(environment: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = cluster(environment, settings)
    assert sorted(container.command for container in found.containers) == COMMANDS.split(", ")
    for container in found.containers:
        with monkeypatch.context() as patched:
            for variable, value in container.environment.items():
                patched.setenv(variable, value or found.example(variable))
            # A migration needs the database alone.
            used = ["database"] if container.command == "migrate" else sections(type(settings))
            assert load_settings(type(settings), used).service.environment == environment


async def test_probes_and_scrapers_request_existing_paths(client: httpx2.AsyncClient, settings: Any) -> None:
    requested = cluster("everything", settings).requested_paths("api")
    assert len(requested) == 4
    assert {path for path in requested if (await client.get(path)).status_code == 404} == set()


def test_routes_from_outside_lead_to_operations(service: Service, settings: Any) -> None:
    operations = service.app.openapi()["paths"]
    for prefix in cluster("everything", settings).routed_prefixes():
        assert any(path.startswith(f"{prefix}/") for path in operations), prefix


def test_proxies_close_idle_connections_before_the_service(settings: Any) -> None:
    """A request that meets a connection which the service is closing is 502. ingress-nginx and AWS keep one for 60 s."""
    (api,) = cluster("everything", settings).component("api")
    assert float(api.environment["HTTP_KEEP_ALIVE_SECONDS"] or 0) > 60


def test_a_gateway_waits_longer_than_the_service(settings: Any) -> None:
    everything = cluster("everything", settings)
    (api,) = everything.component("api")
    for route in everything.of("HTTPRoute"):
        limits = [float(rule["timeouts"]["request"].removesuffix("s")) for rule in route["spec"]["rules"]]
        assert min(limits) > float(api.environment["HTTP_TIMEOUT_SECONDS"] or 0), route["metadata"]["name"]
