"""Rules about objects that refer to each other."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from .cluster import Cluster, Pod, Rule, named
from .kustomize import Manifest

LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def names_and_labels_are_valid(cluster: Cluster) -> Iterator[str]:
    """Names are DNS labels of at most 63 characters; values of labels are as short."""
    yield from duplicates("the object", map(named, cluster.manifests))
    for each in cluster.manifests:
        if not NAME.fullmatch(each["metadata"]["name"]):
            yield f"{named(each)}: the name is not a DNS label"
        labels = each["metadata"].get("labels", {})
        wrong = [f"{key}={text}" for key, text in labels.items() if not LABEL.fullmatch(text)]
        yield from (f"{named(each)}: {label} is not a label" for label in wrong)
        if "app.kubernetes.io/name" not in labels:
            yield f"{named(each)}: the label app.kubernetes.io/name is missing"


def everything_is_in_one_restricted_namespace(cluster: Cluster) -> Iterator[str]:
    """Pod Security refuses everything that is not restricted."""
    namespaces = {each["metadata"].get("namespace") for each in cluster.manifests if each["kind"] != "Namespace"}
    if namespaces != {each["metadata"]["name"] for each in cluster.of("Namespace")}:
        yield f"objects are in {sorted(map(str, namespaces))}"
    for each in cluster.of("Namespace"):
        if each["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{named(each)}: Pod Security is not restricted"


def workloads_select_their_own_pods(cluster: Cluster) -> Iterator[str]:
    """A Deployment whose selector misses its pods is refused; a spread that misses them does nothing."""
    for pod in cluster.pods:
        wanted = [pod.workload["spec"].get("selector", {})]
        wanted += [spread["labelSelector"] for spread in pod.spec.get("topologySpreadConstraints", [])]
        for selector in wanted:
            if selector and pod.owner not in {found.owner for found in cluster.selected(selector)}:
                yield f"{pod.owner}: {selector} does not select its own pods"


def selectors_match_one_workload(cluster: Cluster) -> Iterator[str]:
    """Selectors of Services, disruption budgets and monitors of pods."""
    for each in cluster.of("PodDisruptionBudget", "PodMonitor"):
        yield from _not_one(each, cluster.selected(each["spec"]["selector"]))
    for service in cluster.of("Service"):
        found = cluster.selected({"matchLabels": service["spec"]["selector"]})
        yield from _not_one(service, found)
        for port in service["spec"]["ports"]:
            if not any(opens(pod, port.get("targetPort", port["port"])) for pod in found):
                yield f"{named(service)}: no container opens {port.get('targetPort', port['port'])}"


def routes_lead_to_a_service(cluster: Cluster) -> Iterator[str]:
    """A Gateway's routes name the number of a port, an Ingress its name."""
    for route in cluster.of("HTTPRoute"):
        for backend in (backend for rule in route["spec"]["rules"] for backend in rule["backendRefs"]):
            yield from _leads_nowhere(cluster, route, backend["name"], "port", backend["port"])
    for route in cluster.of("Ingress"):
        for path in (path for rule in route["spec"]["rules"] for path in rule["http"]["paths"]):
            service = path["backend"]["service"]
            yield from _leads_nowhere(cluster, route, service["name"], "name", service["port"]["name"])


def monitors_scrape_existing_ports(cluster: Cluster) -> Iterator[str]:
    """A scrape must also end before the next one begins."""
    for monitor in cluster.of("ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        services = [each for each in cluster.of("Service") if wanted <= each["metadata"]["labels"].items()]
        if len(services) != 1:
            yield f"{named(monitor)}: selects {[*map(named, services)]} instead of one Service"
        ports = {port["name"] for service in services for port in service["spec"]["ports"]}
        yield from _scrapes(monitor, monitor["spec"]["endpoints"], ports)
    for monitor in cluster.of("PodMonitor"):
        ports = {port["name"] for pod in cluster.selected(monitor["spec"]["selector"]) for port in pod.ports}
        yield from _scrapes(monitor, monitor["spec"]["podMetricsEndpoints"], ports)


def scalers_own_the_replica_count(cluster: Cluster) -> Iterator[str]:
    """The workload exists and sets no `replicas`, which would undo the scaler's at each deployment."""
    scalers = cluster.of("HorizontalPodAutoscaler", "ScaledObject")
    yield from duplicates("a scaler of", (scaler["spec"]["scaleTargetRef"]["name"] for scaler in scalers))
    for scaler in scalers:
        spec = scaler["spec"]
        target = cluster.find(spec["scaleTargetRef"].get("kind", "Deployment"), spec["scaleTargetRef"]["name"])
        if not target:
            yield f"{named(scaler)}: no {spec['scaleTargetRef']['name']} exists"
        elif "replicas" in target["spec"]:
            yield f"{named(target)}: `replicas` would undo the decisions of {named(scaler)}"
        minimum, maximum = (
            spec.get(f"{bound}Replicas", spec.get(f"{bound}ReplicaCount", 1)) for bound in ("min", "max")
        )
        if minimum > maximum:
            yield f"{named(scaler)}: the minimum is above the maximum"
        for trigger in spec.get("triggers", []):
            account = trigger.get("authenticationRef", {}).get("name")
            if account and not cluster.find("TriggerAuthentication", account):
                yield f"{named(scaler)}: TriggerAuthentication/{account} does not exist"


def rollouts_keep_serving(cluster: Cluster) -> Iterator[str]:
    """No pod stops before its successor is ready, unless they share a volume for one pod at a time."""
    for pod in (pod for pod in cluster.pods if pod.workload["kind"] == "Deployment"):
        spec = pod.workload["spec"]
        single = [claim for claim in claims(pod) if not _shared(cluster, claim)]
        if single and (spec.get("replicas"), spec.get("strategy", {}).get("type")) != (1, "Recreate"):
            yield f"{pod.owner}: {single[0]} is for one pod at a time: use one replica and the strategy Recreate"
        if not single and spec.get("strategy", {}).get("rollingUpdate", {}).get("maxUnavailable") != 0:
            yield f"{pod.owner}: a rollout may stop pods before others are ready: set maxUnavailable to 0"
        if "type" not in spec.get("strategy", {}):
            yield f"{pod.owner}: the strategy has no type, so every `kubectl apply` reports a change"


def duplicates(what: str, all_of_them: Iterable[object]) -> Iterator[str]:
    """Everything that occurs more than once."""
    yield from (f"{what} {each} occurs {count} times" for each, count in Counter(all_of_them).items() if count > 1)


def opens(pod: Pod, port: str | int) -> bool:
    """Whether one of its containers opens a port, given by name or number."""
    return any(port in (each.get("name"), each["containerPort"]) for each in pod.ports)


def claims(pod: Pod) -> list[str]:
    """The names of the claims of its volumes."""
    return [each["persistentVolumeClaim"]["claimName"] for each in pod.volumes if "persistentVolumeClaim" in each]


def _not_one(manifest: Manifest, found: list[Pod]) -> Iterator[str]:
    if len(found) != 1:
        yield f"{named(manifest)}: selects {[pod.owner for pod in found]} instead of one workload"


def _leads_nowhere(cluster: Cluster, route: Manifest, service: str, key: str, port: str | int) -> Iterator[str]:
    found = cluster.find("Service", service)
    if not found or port not in {each[key] for each in found["spec"]["ports"]}:
        yield f"{named(route)}: leads to {port} of Service/{service}, which does not exist"


def _scrapes(monitor: Manifest, endpoints: Iterable[Manifest], ports: set[str]) -> Iterator[str]:
    for endpoint in endpoints:
        if endpoint["port"] not in ports:
            yield f"{named(monitor)}: no pod has the port {endpoint['port']}"
        if int(endpoint["scrapeTimeout"].removesuffix("s")) > int(endpoint["interval"].removesuffix("s")):
            yield f"{named(monitor)}: a scrape may take longer than the interval"


def _shared(cluster: Cluster, claim: str) -> bool:
    found = cluster.find("PersistentVolumeClaim", claim)
    return bool(found and "ReadWriteMany" in found["spec"]["accessModes"])


RULES: tuple[Rule, ...] = (
    names_and_labels_are_valid,
    everything_is_in_one_restricted_namespace,
    workloads_select_their_own_pods,
    selectors_match_one_workload,
    routes_lead_to_a_service,
    monitors_scrape_existing_ports,
    scalers_own_the_replica_count,
    rollouts_keep_serving,
)
