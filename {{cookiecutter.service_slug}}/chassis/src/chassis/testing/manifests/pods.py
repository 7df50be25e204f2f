"""Rules about pods: permissions, resources, probes, shutdown."""

import re
from collections.abc import Iterator
from decimal import Decimal

from .cluster import PROBES, Cluster, Container, Pod, Rule
from .objects import claims, duplicates

# The setting of the port of each command that listens.
LISTENS = {"serve": "HTTP_PORT", "worker": "WORKER_PORT"}
# The kinds that the Pod Security standard "restricted" allows.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
UNITS = {"": Decimal(1), "m": Decimal("0.001"), "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30)}


def probes_use_open_ports(cluster: Cluster) -> Iterator[str]:
    """A container that opens a port has all three probes, each at a port of its own."""
    for container in cluster.containers:
        probes = {probe: container.spec[probe]["httpGet"]["port"] for probe in PROBES if probe in container.spec}
        if container.ports and len(probes) < len(PROBES):
            yield f"{container.name}: has only the probes {[*probes]}"
        for probe, port in probes.items():
            if not any(port in (each["name"], each["containerPort"]) for each in container.ports):
                yield f"{container.name}: {probe} uses the port {port}, which is not open"


def probes_outlast_the_checks(cluster: Cluster) -> Iterator[str]:
    """READINESS_TIMEOUT_SECONDS limits each check; a probe that waits longer learns which dependency failed."""
    for container in cluster.containers:
        limit = float(container.environment.get("READINESS_TIMEOUT_SECONDS") or 0)
        for probe in ("startupProbe", "readinessProbe"):
            if container.spec.get(probe, {}).get("timeoutSeconds", limit + 1) <= limit:
                yield f"{container.name}: {probe} has a shorter timeout than READINESS_TIMEOUT_SECONDS"


def startup_probes_wait_for_the_process(cluster: Cluster) -> Iterator[str]:
    """A probe at the very start finds no open port, and each pod begins with a warning."""
    for container in cluster.containers:
        if "startupProbe" in container.spec and not container.spec["startupProbe"].get("initialDelaySeconds"):
            yield f"{container.name}: startupProbe has no initialDelaySeconds"


def ports_match_the_settings(cluster: Cluster) -> Iterator[str]:
    """A container declares the ports that its command opens."""
    for container in cluster.containers:
        variable = LISTENS.get(container.command.partition(" ")[0])
        listens = {int(container.environment.get(variable) or 0)} if variable else set()
        ports = {port["containerPort"] for port in container.ports}
        if ports != listens:
            yield f"{container.name}: `{container.command}` listens on {listens or 'no port'}, not on {ports or 'none'}"


def grace_periods_cover_the_shutdown(cluster: Cluster) -> Iterator[str]:
    """terminationGracePeriodSeconds exceeds what the command may take, and the hook before it."""
    for container in cluster.containers:
        drain = float(container.environment.get("SHUTDOWN_DRAIN_SECONDS") or 0)
        finish = float(container.environment.get("SHUTDOWN_GRACE_SECONDS") or 0)
        hook = container.spec.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        takes = {
            "serve": drain + finish,
            # Messages are finished after requests, and may take as long again.
            "serve --worker": drain + 2 * finish,
            "worker": finish,
        }.get(container.command, 0) + hook
        grace = container.pod.spec.get("terminationGracePeriodSeconds", 30)
        if takes >= grace:
            yield f"{container.name}: is killed after {grace} s, but may take {takes:g} s to stop"


def pods_have_no_token_and_no_root(cluster: Cluster) -> Iterator[str]:
    """Each has a service account without permissions, and a user who is not root."""
    for pod in cluster.pods:
        account = pod.spec.get("serviceAccountName", "default")
        if not cluster.find("ServiceAccount", account):
            yield f"{pod.owner}: ServiceAccount/{account} does not exist"
        if pod.spec.get("automountServiceAccountToken", True):
            yield f"{pod.owner}: has a token for the Kubernetes API: set automountServiceAccountToken to false"
        if pod.spec.get("enableServiceLinks", True):
            yield f"{pod.owner}: has variables of other Services: set enableServiceLinks to false"
        security = pod.spec.get("securityContext", {})
        if not security.get("runAsNonRoot") or not security.get("runAsUser"):
            yield f"{pod.owner}: may run as root"
        if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{pod.owner}: seccompProfile is not RuntimeDefault"
        shared = [field for field in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(field)]
        yield from (f"{pod.owner}: {field} is set" for field in shared)


def containers_are_unprivileged(cluster: Cluster) -> Iterator[str]:
    """No privileges, no capabilities, and no file written except on volumes."""
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
    """Requests for cpu, memory and disk, limits for memory and disk, and no request above its limit.

    A ResourceQuota that counts one of them refuses every pod that leaves it out.
    """
    for container in cluster.containers:
        requests, limits = (container.spec.get("resources", {}).get(kind, {}) for kind in ("requests", "limits"))
        needed = ("cpu", "memory", "ephemeral-storage")
        yield from (f"{container.name}: no request for {each}" for each in needed if each not in requests)
        yield from (f"{container.name}: no limit for {each}" for each in needed[1:] if each not in limits)
        for each in requests.keys() & limits.keys():
            if quantity(requests[each]) > quantity(limits[each]):
                yield f"{container.name}: requests {requests[each]} of {each}, above the limit {limits[each]}"


def images_have_a_version(cluster: Cluster) -> Iterator[str]:
    """A tag other than `latest`, or a digest; the same one in every container."""
    images = {container.spec["image"] for container in cluster.containers}
    if len(images) != 1:
        yield f"one release, several images: {sorted(images)}"
    for image in images:
        if "@sha256:" not in image and image.rpartition("/")[2].partition(":")[2] in ("", "latest"):
            yield f"the image {image} has no version"


def volumes_exist_and_are_mounted(cluster: Cluster) -> Iterator[str]:
    """Each volume is of an allowed kind, and its claim exists."""
    for pod in cluster.pods:
        volumes = {volume["name"] for volume in pod.volumes}
        mounted = {mount["name"] for container in pod.containers for mount in container.spec.get("volumeMounts", [])}
        yield from duplicates(f"{pod.owner}: the volume", (volume["name"] for volume in pod.volumes))
        yield from (f"{pod.owner}: the mounted volume {name} does not exist" for name in mounted - volumes)
        yield from (f"{pod.owner}: no container mounts the volume {name}" for name in volumes - mounted)
        yield from (
            f"{pod.owner}: the volume {volume['name']} is a {kind}"
            for volume in pod.volumes
            for kind in volume.keys() - VOLUMES - {"name"}
        )
        for claim in claims(pod):
            if not cluster.find("PersistentVolumeClaim", claim):
                yield f"{pod.owner}: PersistentVolumeClaim/{claim} does not exist"


def processes_share_their_settings(cluster: Cluster) -> Iterator[str]:
    """Deployments differ in their command, not in their settings."""
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
        "secrets": main.secret_files,
    }


def quantity(text: str | int) -> Decimal:
    """An amount of cores or bytes, such as 250m or 128Mi. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]*)", str(text))
    if not found or found[2] not in UNITS:
        raise ValueError(f"not an amount: {text}")
    return Decimal(found[1]) * UNITS[found[2]]


RULES: tuple[Rule, ...] = (
    probes_use_open_ports,
    probes_outlast_the_checks,
    startup_probes_wait_for_the_process,
    ports_match_the_settings,
    grace_periods_cover_the_shutdown,
    pods_have_no_token_and_no_root,
    containers_are_unprivileged,
    resources_are_bounded,
    images_have_a_version,
    volumes_exist_and_are_mounted,
    processes_share_their_settings,
)
