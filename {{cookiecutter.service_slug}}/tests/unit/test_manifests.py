{%- set works_apart = cookiecutter.broker != "none" and cookiecutter.database in cookiecutter._layers["broker/on-server"]["database"] -%}
"""What a cluster would get: every environment fits the code, and hangs together.

A schema finds most of what a cluster refuses. What it accepts without running it as meant is found here: a selector
that finds nothing, a probe at a port that nobody opens, a policy that shuts out the database.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from {{ cookiecutter.package_name }}.bootstrap import Service{{ ", create_worker_service" if works_apart }}
from {{ cookiecutter.package_name }}.config import {{ "Settings, " if works_apart }}load_settings
from {{ cookiecutter.package_name }}.config.settings import SECTIONS

from ..conftest import running
from ..manifests import network, objects, pods, secrets
from ..manifests.cluster import Cluster, Container, named
from ..manifests.kustomize import CannotBuild, build, render

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ["dev", "staging", "production"]
# What the service does in a cluster, each in a container of its own.
COMMANDS = ["migrate", {{ '"serve", "worker"' if works_apart else '"serve"' if cookiecutter.broker == "none" else '"serve --worker"' }}]
RULES: list[Callable[[Cluster], Iterator[str]]] = [
    objects.names_and_labels_are_within_limits,
    objects.everything_is_in_one_restricted_namespace,
    objects.workloads_select_their_own_pods,
    objects.selectors_find_one_workload,
    objects.routes_lead_to_a_service,
    objects.monitors_ask_at_ports_that_are_there,
    objects.scalers_own_the_number_of_pods,
    objects.rollouts_keep_what_serves,
    pods.probes_ask_what_listens,
    pods.probes_wait_longer_than_the_checks,
    pods.ports_are_those_of_the_settings,
    pods.nobody_is_killed_while_ending,
    pods.pods_are_nobody_and_have_no_token,
    pods.containers_can_do_nothing_but_run,
    pods.resources_are_bounded,
    pods.images_say_their_version,
    pods.volumes_are_there_and_mounted,
    pods.processes_of_a_service_are_alike,
    network.nothing_is_open_by_default,
    network.what_the_settings_name_can_be_reached,
    network.whoever_is_let_in_finds_a_port,
    network.routes_and_monitors_are_let_in,
    secrets.references_lead_somewhere,
    secrets.secrets_are_given_one_by_one,
]


@cache
def cluster(environment: str) -> Cluster:
    """The objects of an environment; of `everything`, what production has and all components that it leaves."""
    if environment != "everything":
        return Cluster(render(ROOT / "environments" / environment))
    production = yaml.safe_load((ROOT / "environments" / "production" / "kustomization.yaml").read_text())
    taken = {Path(component).name for component in production.get("components", [])}
    left = sorted(path for path in (ROOT / "k8s" / "components").iterdir() if path.name not in taken)
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary).resolve()
        file = {
            "namespace": production["namespace"],
            "resources": [os.path.relpath(ROOT / "environments" / "production", here)],
            "components": [os.path.relpath(path, here) for path in left],
        }
        (here / "kustomization.yaml").write_text(yaml.safe_dump(file))
        return Cluster(render(here))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("environment", [*ENVIRONMENTS, "everything"])
def test_in_every_environment(environment: str, rule: Callable[[Cluster], Iterator[str]]) -> None:
    assert [*rule(cluster(environment))] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_variable_is_a_setting(environment: str) -> None:
    settings = {section.variable(name) for section in SECTIONS.values() for name in section.model_fields}
    given = {variable for container in cluster(environment).containers for variable in container.environment}
    assert given - settings == set()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_command_is_given_what_it_needs(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(container.command for container in cluster(environment).containers) == COMMANDS
    for container in cluster(environment).containers:
        with monkeypatch.context() as patched:
            for variable, value in container.environment.items():
                patched.setenv(variable, value or contents(variable))
            # A migration works with the database alone.
            settings = load_settings(["database"] if container.command == "migrate" else SECTIONS)
        assert settings.service.environment == environment


def contents(variable: str) -> str:
    """What a secret may hold: the example in the description of the setting, with a password of nobody's."""
    example = network.description(variable).split()[0].rstrip(",;")
    return example.replace("user:password@", "user:9f2c@")


async def test_whoever_asks_is_answered(service: Service{{ ", settings: Settings" if works_apart }}) -> None:
    """Probes and scrapes ask at paths that the process has, and what is let in from outside leads to operations."""
    paths = {"api": {*asked("api")}{{ ', "worker": {*asked("worker")}' if works_apart }}}
    assert all(len(each) == 4 for each in paths.values()), paths
    processes = {"api": service{{ ', "worker": create_worker_service(settings)' if works_apart }}}
    for component, process in processes.items():
        async with running(process) as client:
            assert {path for path in paths[component] if (await client.get(path)).status_code == 404} == set()
    operations = service.app.openapi()["paths"]
    for prefix in prefixes():
        assert any(path.startswith(f"{prefix}/") for path in operations), prefix


def asked(component: str) -> Iterator[str]:
    """The paths of the probes of a component's containers, and of those who scrape it."""
    for container in of(component):
        yield from (container.spec[probe]["httpGet"]["path"] for probe in pods.PROBES if probe in container.spec)
    for monitor in cluster("everything").of("ServiceMonitor", "PodMonitor"):
        if monitor["metadata"]["labels"]["app.kubernetes.io/component"] == component:
            endpoints = monitor["spec"].get("endpoints", monitor["spec"].get("podMetricsEndpoints"))
            yield from (endpoint["path"] for endpoint in endpoints)


def of(component: str) -> list[Container]:
    """The containers of a component that stay."""
    found = [pod for pod in cluster("everything").pods if pod.labels["app.kubernetes.io/component"] == component]
    return [pod.containers[-1] for pod in found]


def prefixes() -> Iterator[str]:
    """Where requests from outside may go."""
    for route in cluster("everything").of("HTTPRoute"):
        yield from (match["path"]["value"] for rule in route["spec"]["rules"] for match in rule["matches"])
    for route in cluster("everything").of("Ingress"):
        yield from (path["path"] for rule in route["spec"]["rules"] for path in rule["http"]["paths"])


def test_a_gateway_waits_longer_than_the_service() -> None:
    (container,) = of("api")
    answered = float(container.environment["HTTP_TIMEOUT_SECONDS"] or 0)
    for route in cluster("everything").of("HTTPRoute"):
        limits = [rule["timeouts"]["request"].removesuffix("s") for rule in route["spec"]["rules"]]
        assert all(float(limit) > answered for limit in limits), named(route)


def test_what_cannot_be_put_together_without_kubectl_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("replacements: []")
    with pytest.raises(CannotBuild, match="install kubectl"):
        build(tmp_path)
