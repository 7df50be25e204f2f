"""What a cluster would get: every environment fits the code and is consistent.

A schema finds most of what a cluster refuses. The rules find what it accepts without running it as intended.
"""

from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from chassis.http.application import Service
from chassis.settings import load_settings, sections
from chassis.testing.manifests import RULES, Cluster, Rule, build, render, render_all, render_with

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ["dev", "staging", "production"]
COMPONENTS = ROOT / "k8s" / "components"
# The commands of the service, each in a container of its own.
COMMANDS = "{{ 'migrate, serve' if cookiecutter.broker == 'none' else 'migrate, serve, worker' if cookiecutter.database in cookiecutter._layers['broker/on-server']['database'] else 'migrate, serve --worker' }}"
# Made by hand in each environment: docs/deployment.md.
SECRETS = "{{ cookiecutter.service_slug ~ '-secrets' if cookiecutter.__secret_keys and cookiecutter.secrets == 'kubernetes' }}"


@cache
def objects(environment: str) -> Any:
    """The objects of an environment; `everything` is production with all components."""
    if environment == "everything":
        return render_all(ROOT / "environments" / "production", COMPONENTS)
    return render(ROOT / "environments" / environment)


def cluster(environment: str, settings: Any, components: set[str] | None = None) -> Cluster:
    """An environment, to be compared with the settings; with these components instead of its own, if given."""
    if components is None:
        found = objects(environment)
    else:
        folders = [COMPONENTS / name for name in sorted(components)]
        found = render_with(ROOT / "environments" / environment, folders, build)
    return Cluster(found, sections(type(settings)).values(), SECRETS.split())


def used(environment: str) -> set[str]:
    """The components of an environment."""
    text = (ROOT / "environments" / environment / "kustomization.yaml").read_text(encoding="utf-8")
    return {Path(component).name for component in yaml.safe_load(text).get("components") or []}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("environment", [*ENVIRONMENTS, "everything"])
def test_in_every_environment(environment: str, rule: Rule, settings: Any) -> None:
    assert [*rule(cluster(environment, settings))] == []


@pytest.mark.parametrize("component", sorted(path.name for path in COMPONENTS.iterdir()))
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_component_can_be_left_out_or_added(environment: str, component: str, settings: Any) -> None:
    changed = cluster(environment, settings, used(environment) ^ {component})
    problems = [problem for rule in RULES for problem in rule(changed)]
    # A scaler may need the number removed that an environment sets: the rule names that line.
    assert [each for each in problems if "`replicas` would undo" not in each] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_ingress_has_the_host_of_the_route_that_it_replaces(environment: str, settings: Any) -> None:
    others = used(environment) - {"gateway", "ingress"}
    [route] = cluster(environment, settings, others | {"gateway"}).of("HTTPRoute")
    exchanged = cluster(environment, settings, others | {"ingress"})
    [ingress] = exchanged.of("Ingress")
    assert route["spec"]["hostnames"] == [rule["host"] for rule in ingress["spec"]["rules"]]
    assert route["spec"]["hostnames"] == [host for each in ingress["spec"]["tls"] for host in each["hosts"]]
    assert [problem for rule in RULES for problem in rule(exchanged)] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_variable_is_a_setting(environment: str, settings: Any) -> None:
    known = {section.variable(name) for section in sections(type(settings)).values() for name in section.model_fields}
    given = {name for container in cluster(environment, settings).containers for name in container.environment}
    assert given <= known, f"not a setting: {', '.join(sorted(given - known))}"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_command_is_given_what_it_needs(
    environment: str, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("9f2c", encoding="utf-8")
    found = cluster(environment, settings)
    assert sorted(container.command for container in found.containers) == COMMANDS.split(", ")
    for container in found.containers:
        with monkeypatch.context() as patched:
            for variable, value in container.environment.items():
                mounted = str(file) if value in container.secret_files else value
                patched.setenv(variable, mounted or found.example(variable))
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
    """A request on a connection that the service is closing is 502. ingress-nginx and AWS keep one for 60 s."""
    (api,) = cluster("everything", settings).component("api")
    assert float(api.environment["HTTP_KEEP_ALIVE_SECONDS"] or 0) > 60


def test_a_gateway_waits_longer_than_the_service(settings: Any) -> None:
    everything = cluster("everything", settings)
    (api,) = everything.component("api")
    for route in everything.of("HTTPRoute"):
        limits = [float(rule["timeouts"]["request"].removesuffix("s")) for rule in route["spec"]["rules"]]
        assert min(limits) > float(api.environment["HTTP_TIMEOUT_SECONDS"] or 0), route["metadata"]["name"]
