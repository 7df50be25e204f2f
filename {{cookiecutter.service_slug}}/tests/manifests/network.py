"""Rules about the network: a pod reaches what its settings name, and is reached by whom the environment lets in."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from {{ cookiecutter.package_name }}.config.settings import SECTIONS

from .cluster import Cluster, Pod, named, selects
from .kustomize import Manifest
from .objects import opens
from .secrets import contents

DNS = {("UDP", 53), ("TCP", 53)}


def nothing_is_open_by_default(cluster: Cluster) -> Iterator[str]:
    """A pod that no policy selects, in a direction, may do anything there."""
    for pod in cluster.pods:
        closed = {direction for policy in policies(cluster, pod) for direction in policy["spec"]["policyTypes"]}
        yield from (f"{pod.owner}: no policy is about its {way}" for way in {"Ingress", "Egress"} - closed)


def what_the_settings_name_can_be_reached(cluster: Cluster) -> Iterator[str]:
    """The port of every URL, and the DNS for its host; no port that no setting speaks of."""
    for pod in cluster.pods:
        needed, spoken_of = set(), set()
        for variable, value in (each for container in pod.containers for each in container.environment.items()):
            value = value or contents(cluster).get(variable)
            described = tcp(re.findall(r"\bhost:(\d+)", description(variable)))
            if value is None or ("://" in value and urlsplit(value).netloc):
                needed |= tcp(addressed(value)) or described if value else described
                spoken_of |= described | tcp(re.findall(r"\((\d+)\)", description(variable)))
        needed |= DNS if needed else set()
        allowed = {
            (port["protocol"], port["port"])
            for rule in _rules(cluster, pod, "egress")
            for port in rule.get("ports", [{"protocol": "any", "port": "any"}])
        }
        yield from (f"{pod.owner}: may not reach {port}, which a setting names" for port in needed - allowed)
        yield from (f"{pod.owner}: may reach {port}, which no setting names" for port in allowed - needed - spoken_of)


def addressed(url: str) -> list[str]:
    """The ports that stand in a URL, which may name several hosts."""
    return re.findall(r":(\d+)(?=[,/]|$)", url.partition("://")[2].rpartition("@")[2])


def tcp(ports: Iterable[str]) -> set[tuple[str, int]]:
    """The same as a policy says it."""
    return {("TCP", int(port)) for port in ports}


def whoever_is_let_in_finds_a_port(cluster: Cluster) -> Iterator[str]:
    """A policy for a port that its pods do not have lets nobody in."""
    for policy in cluster.of("NetworkPolicy"):
        pods = cluster.selected(policy["spec"]["podSelector"])
        if not pods:
            yield f"{named(policy)}: is about no pod"
        for rule in policy["spec"].get("ingress", []):
            if not rule.get("from") or not rule.get("ports"):
                yield f"{named(policy)}: lets everybody in, or everywhere"
            for port in rule.get("ports", []):
                if not any(opens(pod, port["port"]) for pod in pods):
                    yield f"{named(policy)}: nobody opens {port['port']}"


def routes_and_monitors_are_let_in(cluster: Cluster) -> Iterator[str]:
    """Each comes from a namespace of its own: as many have to be let in as there are who come."""
    api = [pod for pod in cluster.pods if pod.labels.get("app.kubernetes.io/component") == "api"]
    visitors = cluster.of("HTTPRoute", "Ingress", "ServiceMonitor")
    for pod in api:
        let_in = [rule for rule in _rules(cluster, pod, "ingress") if rule.get("from")]
        if len(let_in) < len(visitors):
            yield f"{pod.owner}: {len(let_in)} are let in, but {[*map(named, visitors)]} have to be"
    for monitor in cluster.of("PodMonitor"):
        for pod in cluster.selected(monitor["spec"]["selector"]):
            if not [*_rules(cluster, pod, "ingress")]:
                yield f"{pod.owner}: {named(monitor)} is not let in"


def policies(cluster: Cluster, pod: Pod) -> list[Manifest]:
    """Those that are about a pod."""
    return [each for each in cluster.of("NetworkPolicy") if selects(each["spec"]["podSelector"], pod.labels)]


def description(variable: str) -> str:
    """What the settings say about a variable; nothing if it is none."""
    for section in SECTIONS.values():
        for name, field in section.model_fields.items():
            if section.variable(name) == variable:
                return field.description or ""
    return ""


def _rules(cluster: Cluster, pod: Pod, direction: str) -> Iterator[Manifest]:
    for policy in policies(cluster, pod):
        yield from policy["spec"].get(direction, [])
