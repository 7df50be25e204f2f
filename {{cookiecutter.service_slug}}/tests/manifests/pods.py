"""Rules about pods: what they may do, what they need, how they are asked and ended."""

import re
from collections.abc import Iterator
from decimal import Decimal

from .cluster import Cluster, Container, Pod
from .objects import claims, twice

# The setting that names the port of each command that has one.
LISTENS = {"serve": "HTTP_PORT"{{ ', "worker": "WORKER_PORT"' if cookiecutter.broker != "none" and cookiecutter.database in cookiecutter._layers["broker/on-server"]["database"] }}}
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
# Those that the standard "restricted" of Pod Security allows.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
UNITS = {"": Decimal(1), "m": Decimal("0.001"), "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30)}


def probes_ask_what_listens(cluster: Cluster) -> Iterator[str]:
    """A container that opens a port is asked in three ways, at a port of its own."""
    for container in cluster.containers:
        probes = {probe: container.spec[probe]["httpGet"]["port"] for probe in PROBES if probe in container.spec}
        if container.ports and len(probes) < len(PROBES):
            yield f"{container.name}: only {[*probes]} of its probes are there"
        for probe, port in probes.items():
            if not any(port in (each["name"], each["containerPort"]) for each in container.ports):
                yield f"{container.name}: {probe} asks at port {port}, which is not there"


def probes_wait_longer_than_the_checks(cluster: Cluster) -> Iterator[str]:
    """The answer says which dependency failed, if it is waited for: READINESS_TIMEOUT_SECONDS bounds each check."""
    for container in cluster.containers:
        limit = float(container.environment.get("READINESS_TIMEOUT_SECONDS") or 0)
        for probe in ("startupProbe", "readinessProbe"):
            if container.spec.get(probe, {}).get("timeoutSeconds", limit + 1) <= limit:
                yield f"{container.name}: {probe} gives up before the service does"


def ports_are_those_of_the_settings(cluster: Cluster) -> Iterator[str]:
    """What a container says that it opens is what its command opens."""
    for container in cluster.containers:
        variable = LISTENS.get(container.command.partition(" ")[0])
        listens = {int(container.environment.get(variable) or 0)} if variable else set()
        ports = {port["containerPort"] for port in container.ports}
        if ports != listens:
            yield f"{container.name}: `{container.command}` listens on {listens or 'no port'}, not on {ports or 'none'}"


def nobody_is_killed_while_ending(cluster: Cluster) -> Iterator[str]:
    """terminationGracePeriodSeconds is more than what the command takes by its settings, and a hook before it."""
    for container in cluster.containers:
        drain = float(container.environment.get("SHUTDOWN_DRAIN_SECONDS") or 0)
        finish = float(container.environment.get("SHUTDOWN_GRACE_SECONDS") or 0)
        hook = container.spec.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        takes = {
            "serve": drain + finish,
{%- if cookiecutter.broker != "none" %}
            # Messages are finished after requests, and have as long again.
            "serve --worker": drain + 2 * finish,
            "worker": finish,
{%- endif %}
        }.get(container.command, 0) + hook
        grace = container.pod.spec.get("terminationGracePeriodSeconds", 30)
        if takes >= grace:
            yield f"{container.name}: is killed after {grace} s, but takes up to {takes:g} s to end"


def pods_are_nobody_and_have_no_token(cluster: Cluster) -> Iterator[str]:
    """An identity of their own that may do nothing in the cluster, and a user who is not root."""
    for pod in cluster.pods:
        account = pod.spec.get("serviceAccountName", "default")
        if not cluster.find("ServiceAccount", account):
            yield f"{pod.owner}: ServiceAccount/{account} is not one of its own"
        if pod.spec.get("automountServiceAccountToken", True):
            yield f"{pod.owner}: gets a token for the Kubernetes API"
        if pod.spec.get("enableServiceLinks", True):
            yield f"{pod.owner}: variables for Services nearby are mixed into its environment"
        security = pod.spec.get("securityContext", {})
        if not security.get("runAsNonRoot") or not security.get("runAsUser"):
            yield f"{pod.owner}: may be root"
        if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{pod.owner}: seccompProfile is not RuntimeDefault"
        shared = [field for field in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(field)]
        yield from (f"{pod.owner}: {field} is set" for field in shared)


def containers_can_do_nothing_but_run(cluster: Cluster) -> Iterator[str]:
    """No privileges, no capabilities, nothing written but to volumes."""
    for container in cluster.containers:
        security = container.spec.get("securityContext", {})
        wanted = {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        if security != wanted:
            yield f"{container.name}: securityContext is {security}, not {wanted}"


def resources_are_bounded(cluster: Cluster) -> Iterator[str]:
    """Requests for both, a limit for memory at least, and no request above its limit."""
    for container in cluster.containers:
        requests, limits = (container.spec.get("resources", {}).get(kind, {}) for kind in ("requests", "limits"))
        yield from (f"{container.name}: no request for {each}" for each in ("cpu", "memory") if each not in requests)
        if "memory" not in limits:
            yield f"{container.name}: no limit for memory"
        for each in requests.keys() & limits.keys():
            if quantity(requests[each]) > quantity(limits[each]):
                yield f"{container.name}: requests {requests[each]} of {each}, above the limit {limits[each]}"


def images_say_their_version(cluster: Cluster) -> Iterator[str]:
    """By a tag that is not `latest`, or by a digest; the same one everywhere."""
    images = {container.spec["image"] for container in cluster.containers}
    if len(images) != 1:
        yield f"one release, several images: {sorted(images)}"
    for image in images:
        if "@sha256:" not in image and image.rpartition("/")[2].partition(":")[2] in ("", "latest"):
            yield f"the image {image} says nothing about its version"


def volumes_are_there_and_mounted(cluster: Cluster) -> Iterator[str]:
    """Each is of an allowed kind, and its claim exists."""
    for pod in cluster.pods:
        volumes = {volume["name"] for volume in pod.volumes}
        mounted = {mount["name"] for container in pod.containers for mount in container.spec.get("volumeMounts", [])}
        yield from twice(f"{pod.owner}: the volume", (volume["name"] for volume in pod.volumes))
        yield from (f"{pod.owner}: there is no volume {name} to mount" for name in mounted - volumes)
        yield from (f"{pod.owner}: nothing mounts the volume {name}" for name in volumes - mounted)
        yield from (
            f"{pod.owner}: the volume {volume['name']} is a {kind}"
            for volume in pod.volumes
            for kind in volume.keys() - VOLUMES - {"name"}
        )
        for claim in claims(pod):
            if not cluster.find("PersistentVolumeClaim", claim):
                yield f"{pod.owner}: there is no PersistentVolumeClaim/{claim}"


def processes_of_a_service_are_alike(cluster: Cluster) -> Iterator[str]:
    """Those that stay differ in what they do, not in what they are told about the world."""
    long_running = [pod for pod in cluster.pods if pod.workload["kind"] == "Deployment"]
    for other in long_running[1:]:
        for what, value in _described(long_running[0]).items():
            if _described(other)[what] != value:
                yield f"{other.owner} and {long_running[0].owner} differ in their {what}"


def _described(pod: Pod) -> dict[str, object]:
    main: Container = pod.containers[-1]
    return {
        "environment": main.environment,
        "identity": pod.spec.get("serviceAccountName"),
        "grace period": pod.spec.get("terminationGracePeriodSeconds"),
        "probes": [main.spec.get(probe) for probe in PROBES],
        "pod security": pod.spec.get("securityContext"),
    }


def quantity(text: str | int) -> Decimal:
    """An amount of cores or bytes, such as 250m or 128Mi. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]*)", str(text))
    if not found or found[2] not in UNITS:
        raise ValueError(f"{text} is no amount")
    return Decimal(found[1]) * UNITS[found[2]]
