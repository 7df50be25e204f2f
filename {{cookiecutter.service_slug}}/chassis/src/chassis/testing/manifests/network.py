"""Rules about network policies: pods reach what their settings name, and are reached from where they must be."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from .cluster import Cluster, Pod, Rule, named, selects
from .kustomize import Manifest
from .objects import opens
from .secrets import readable_values

DNS = {("UDP", 53), ("TCP", 53)}
# The pods of OpenShift's DNS listen there, and a policy sees the port of the pod.
OPENSHIFT_DNS = {("UDP", 5353), ("TCP", 5353)}
WEB = {"http": ["80"], "https": ["443"]}


def everything_is_denied_by_default(cluster: Cluster) -> Iterator[str]:
    """A pod that no policy selects in a direction is open in that direction."""
    for pod in cluster.pods:
        closed = {direction for policy in _policies(cluster, pod) for direction in policy["spec"]["policyTypes"]}
        yield from (f"{pod.owner}: no policy covers its {way}" for way in {"Ingress", "Egress"} - closed)


def addresses_in_settings_can_be_reached(cluster: Cluster) -> Iterator[str]:
    """The port of every URL and DNS for its host may be reached, and no port that no setting mentions."""
    for pod in cluster.pods:
        needed, mentioned = set(), set()
        for variable, value in (each for container in pod.containers for each in container.environment.items()):
            value = value or readable_values(cluster).get(variable)
            described = _tcp(re.findall(r"\bhost:(\d+)", cluster.description(variable)))
            if value is None or ("://" in value and urlsplit(value).netloc):
                needed |= _tcp(_addressed(value)) or described if value else described
                mentioned |= described | _tcp(re.findall(r"\((\d+)\)", cluster.description(variable)))
        allowed = {
            (port["protocol"], port["port"])
            for rule in _rules(cluster, pod, "egress")
            for port in rule.get("ports", [{"protocol": "any", "port": "any"}])
        }
        needed |= (OPENSHIFT_DNS if allowed & OPENSHIFT_DNS else DNS) if needed else set()
        mentioned |= DNS if needed else set()
        yield from (f"{pod.owner}: may not reach {port}, which a setting names" for port in needed - allowed)
        yield from (f"{pod.owner}: may reach {port}, which no setting names" for port in allowed - needed - mentioned)


def _addressed(url: str) -> list[str]:
    """The ports in a URL, which may name several hosts; that of the web if it names none."""
    scheme, _, rest = url.partition("://")
    return re.findall(r":(\d+)(?=[,/]|$)", rest.rpartition("@")[2]) or WEB.get(scheme, [])


def _tcp(ports: Iterable[str]) -> set[tuple[str, int]]:
    """The same as in a policy."""
    return {("TCP", int(port)) for port in ports}


def policies_admit_to_open_ports(cluster: Cluster) -> Iterator[str]:
    """A policy for a port that its pods do not open admits no one."""
    for policy in cluster.of("NetworkPolicy"):
        pods = cluster.selected(policy["spec"]["podSelector"])
        if not pods:
            yield f"{named(policy)}: selects no pod"
        for rule in policy["spec"].get("ingress", []):
            if not rule.get("from") or not rule.get("ports"):
                yield f"{named(policy)}: admits any source, or to any port"
            for port in rule.get("ports", []):
                if not any(opens(pod, port["port"]) for pod in pods):
                    yield f"{named(policy)}: no container opens {port['port']}"


def routes_and_monitors_are_admitted(cluster: Cluster) -> Iterator[str]:
    """Each comes from a namespace of its own, so that each needs a rule."""
    api = [pod for pod in cluster.pods if pod.labels.get("app.kubernetes.io/component") == "api"]
    callers = cluster.of("HTTPRoute", "Ingress", "ServiceMonitor")
    for pod in api:
        admitted = [rule for rule in _rules(cluster, pod, "ingress") if rule.get("from")]
        if len(admitted) < len(callers):
            yield f"{pod.owner}: {len(admitted)} rules admit callers, but {[*map(named, callers)]} need one each"
    for monitor in cluster.of("PodMonitor"):
        for pod in cluster.selected(monitor["spec"]["selector"]):
            if not [*_rules(cluster, pod, "ingress")]:
                yield f"{pod.owner}: {named(monitor)} is not admitted"


def _policies(cluster: Cluster, pod: Pod) -> list[Manifest]:
    """The policies that select a pod."""
    return [each for each in cluster.of("NetworkPolicy") if selects(each["spec"]["podSelector"], pod.labels)]


def _rules(cluster: Cluster, pod: Pod, direction: str) -> Iterator[Manifest]:
    for policy in _policies(cluster, pod):
        yield from policy["spec"].get(direction, [])


RULES: tuple[Rule, ...] = (
    everything_is_denied_by_default,
    addresses_in_settings_can_be_reached,
    policies_admit_to_open_ports,
    routes_and_monitors_are_admitted,
)
