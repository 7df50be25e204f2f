"""What Kubernetes would get from a generated service, and everything that is wrong with it.

    manifests = render(project / "environments" / "production")
    assert problems(manifests, provided={"Secret/order-service-secrets"}) == []
    assert environment_keys(manifests) <= settings_of_the_service

A schema check finds most of what an API server refuses. The rest, and what it accepts without running it as meant (a
selector that matches nothing, a probe of a port that nobody opens, a missing volume), is found by comparing the objects
with each other. An object is named as `Kind/name` throughout.
"""

import functools
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

Manifest = dict[str, Any]

OLDEST = "1.33"
SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
STRICT = "-local-strict"
UNITS: dict[str, Decimal | int] = {
    "": 1,
    "m": Decimal("0.001"),
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Those that the "restricted" Pod Security Standard allows.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


class KubectlError(Exception):
    """kubectl is missing, or it could not build the environment."""


def render(environment: Path) -> list[Manifest]:
    """The objects that `kubectl kustomize` makes of the folder of one environment.

    Needs kubectl on PATH, but neither a cluster nor a network. Raises KubectlError, with kubectl's own words, if it
    fails or warns.
    """
    if not shutil.which("kubectl"):
        raise KubectlError("kubectl is not on PATH: the manifests of an environment cannot be built without it")
    command = ["kubectl", "kustomize", str(environment)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    # Warnings are about fields that will stop working: a fresh service has none.
    if result.returncode != 0 or result.stderr.strip():
        raise KubectlError(f"{' '.join(command)}: {result.stderr.strip()}")
    return [manifest for manifest in yaml.safe_load_all(result.stdout) if manifest]


def newest() -> str:
    """The newest Kubernetes whose schemas are installed, such as "1.37"."""
    versions = [path.name.removeprefix("v").removesuffix(f".0{STRICT}") for path in SCHEMAS.glob(f"v*{STRICT}")]
    return max(versions, key=lambda version: [int(part) for part in version.split(".")])


def problems(
    manifests: Sequence[Manifest],
    *,
    kubernetes: Iterable[str] | None = None,
    provided: Collection[str] = (),
) -> list[str]:
    """Everything that is wrong with the objects of one environment, one sentence each; an empty list if nothing is.

    `kubernetes`: the versions whose schemas they have to fit, such as "1.33"; by default the oldest that is supported
    and the newest whose schemas are installed.
    `provided`: the objects that somebody else brings, as `Kind/name` (`Secret/order-service-secrets`). A reference to
    any other object that is not among the manifests is a problem.
    """
    found = [
        f"{_name(manifest)}: {problem}"
        for version in kubernetes or dict.fromkeys((OLDEST, newest()))
        for manifest in manifests
        for problem in schema_problems(manifest, version)
    ]
    # Comparing objects that do not even have the right shape would only hide the reason.
    return found or consistency_problems(manifests, provided=provided)


def schema_problems(manifest: Manifest, kubernetes: str) -> list[str]:
    """How one object departs from the schema of its kind in that version of Kubernetes; unknown fields count."""
    validator = _validator(kubernetes, manifest["apiVersion"], manifest["kind"])
    if not validator:
        return [f"Kubernetes {kubernetes} has no {manifest['kind']} in {manifest['apiVersion']}"]
    return [
        f"{error.json_path}: {error.message[:200]} (Kubernetes {kubernetes})"
        for error in validator.iter_errors(manifest)
    ]


def consistency_problems(manifests: Sequence[Manifest], *, provided: Collection[str] = ()) -> list[str]:
    """Where objects contradict each other, are less safe than they could be, or refer to something that is missing."""
    cluster = Cluster(manifests, frozenset(provided))
    found = [problem for check in OF_CLUSTER for problem in check(cluster)]
    found += [f"{pod.owner}: {problem}" for pod in cluster.pods for check in OF_POD for problem in check(pod, cluster)]
    return found + [
        f"{pod.owner}, container {container['name']}: {problem}"
        for pod in cluster.pods
        for container in pod.containers
        for check in OF_CONTAINER
        for problem in check(container, pod, cluster)
    ]


def environment_keys(manifests: Sequence[Manifest]) -> set[str]:
    """The names of all environment variables that any container gets: each has to be a setting that exists."""
    cluster = Cluster(manifests, frozenset())
    return {key for pod in cluster.pods for container in pod.containers for key in cluster.environment(container)}


@dataclass(frozen=True)
class Pod:
    """The pods that one workload makes: its template, with the things asked about most within reach."""

    workload: Manifest
    template: Manifest

    @property
    def owner(self) -> str:
        return _name(self.workload)

    @property
    def spec(self) -> Manifest:
        return dict(self.template["spec"])

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.template.get("metadata", {}).get("labels", {}))

    @property
    def containers(self) -> list[Manifest]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def ports(self) -> list[Manifest]:
        return [port for container in self.spec["containers"] for port in container.get("ports", [])]

    @property
    def volumes(self) -> list[Manifest]:
        return list(self.spec.get("volumes", []))


@dataclass(frozen=True)
class Cluster:
    manifests: Sequence[Manifest]
    provided: frozenset[str]

    def get(self, kind: str, name: str) -> Manifest | None:
        return next((each for each in self.manifests if _name(each) == f"{kind}/{name}"), None)

    def has(self, kind: str, name: str) -> bool:
        return f"{kind}/{name}" in self.provided or self.get(kind, name) is not None

    def of(self, *kinds: str) -> list[Manifest]:
        return [each for each in self.manifests if each["kind"] in kinds]

    @property
    def pods(self) -> list[Pod]:
        workloads = self.of("Deployment", "StatefulSet", "DaemonSet", "Job")
        found = [Pod(each, each["spec"]["template"]) for each in workloads]
        return found + [Pod(each, each["spec"]["jobTemplate"]["spec"]["template"]) for each in self.of("CronJob")]

    def selected(self, labels: dict[str, str]) -> list[Pod]:
        return [pod for pod in self.pods if labels.items() <= pod.labels.items()]

    def environment(self, container: Manifest) -> dict[str, str | None]:
        """What the container finds in its environment; None where the value comes from somebody else's object."""
        values: dict[str, str | None] = {}
        for source in container.get("envFrom", []):
            for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                content = self.get(kind, source.get(field, {}).get("name", "")) or {}
                values |= {f"{source.get('prefix', '')}{key}": value for key, value in content.get("data", {}).items()}
        return values | {each["name"]: each.get("value") for each in container.get("env", [])}


def _name(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


@functools.cache
def _validator(kubernetes: str, api_version: str, kind: str) -> jsonschema.Draft7Validator | None:
    folder = SCHEMAS / f"v{kubernetes}.0{STRICT}"
    if not folder.is_dir():
        raise ValueError(f"no schemas for Kubernetes {kubernetes}; the newest are for {newest()}")

    def retrieve(uri: str) -> Resource[Any]:
        text = (folder / uri.rsplit("/", 1)[-1]).read_text()
        return Resource.from_contents(json.loads(text), default_specification=DRAFT7)

    group, _, version = api_version.rpartition("/")
    path = folder / f"{'-'.join(part for part in (kind.lower(), group.split('.')[0], version) if part)}.json"
    if not path.exists():
        return None
    return jsonschema.Draft7Validator(json.loads(path.read_text()), registry=Registry(retrieve=retrieve))  # type: ignore[call-arg]


def _quantity(value: str | int) -> Decimal | None:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]*)", str(value))
    return Decimal(found[1]) * UNITS[found[2]] if found and found[2] in UNITS else None


def _twice(what: str, names: Iterable[object]) -> Iterator[str]:
    yield from (f"{what} {name} is there {count} times" for name, count in Counter(names).items() if count > 1)


# ---- the environment as a whole


def _objects(cluster: Cluster) -> Iterator[str]:
    yield from _twice("the object", map(_name, cluster.manifests))
    namespaces = {each["metadata"].get("namespace") for each in cluster.manifests}
    if len(namespaces) > 1:
        yield f"the objects are spread over the namespaces {sorted(map(str, namespaces))}"
    for each in cluster.manifests:
        metadata = each["metadata"]
        if not NAME.fullmatch(metadata["name"]):
            yield f"{_name(each)}: the name is not a valid DNS label"
        labels = metadata.get("labels", {})
        yield from (
            f"{_name(each)}: label {key} cannot hold {value!r}"
            for key, value in labels.items()
            if not LABEL.fullmatch(value)
        )
        if "app.kubernetes.io/name" not in labels:
            yield f"{_name(each)}: the label app.kubernetes.io/name is missing"


def _services(cluster: Cluster) -> Iterator[str]:
    for service in cluster.of("Service"):
        pods = cluster.selected(service["spec"]["selector"])
        if len(pods) != 1:
            yield f"{_name(service)}: selects {[pod.owner for pod in pods]} instead of one workload"
        for port, pod in ((port, pod) for port in service["spec"]["ports"] for pod in pods):
            target = port.get("targetPort", port["port"])
            if not any(target in (each.get("name"), each["containerPort"]) for each in pod.ports):
                yield f"{_name(service)}: {pod.owner} has no port {target}"


def _disruption_budgets(cluster: Cluster) -> Iterator[str]:
    for budget in cluster.of("PodDisruptionBudget"):
        pods = cluster.selected(budget["spec"]["selector"]["matchLabels"])
        if len(pods) != 1:
            yield f"{_name(budget)}: selects {[pod.owner for pod in pods]} instead of one workload"


def _autoscalers(cluster: Cluster) -> Iterator[str]:
    for scaler in cluster.of("HorizontalPodAutoscaler"):
        spec = scaler["spec"]
        target = cluster.get(spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"])
        if not target:
            yield f"{_name(scaler)}: there is no {spec['scaleTargetRef']['kind']}/{spec['scaleTargetRef']['name']}"
            continue
        if spec.get("minReplicas", 1) > spec["maxReplicas"]:
            yield f"{_name(scaler)}: minReplicas is above maxReplicas"
        if "replicas" in target["spec"]:
            yield f"{_name(target)}: `replicas` would undo what {_name(scaler)} decided, each time it is applied"


def _claims(cluster: Cluster) -> Iterator[str]:
    single = {
        each["metadata"]["name"]
        for each in cluster.of("PersistentVolumeClaim")
        if "ReadWriteMany" not in each["spec"]["accessModes"]
    }
    users = [
        (pod, volume["persistentVolumeClaim"]["claimName"])
        for pod in cluster.pods
        for volume in pod.volumes
        if "persistentVolumeClaim" in volume
    ]
    yield from _twice(
        "a volume for one pod at a time is mounted by several workloads:",
        (claim for _, claim in users if claim in single),
    )
    for pod, claim in users:
        spec = pod.workload["spec"]
        alone = spec.get("replicas", 1) == 1 and spec.get("strategy", {}).get("type") == "Recreate"
        if claim in single and not alone:
            yield f"{pod.owner}: {claim} is for one pod at a time, which takes one replica and the strategy Recreate"


# ---- the pods of one workload


def _selector(pod: Pod, _: Cluster) -> Iterator[str]:
    wanted = pod.workload["spec"].get("selector", {}).get("matchLabels", {})
    if not wanted.items() <= pod.labels.items():
        yield f"the selector {wanted} does not match its own pods {pod.labels}"
    for spread in pod.spec.get("topologySpreadConstraints", []):
        if not spread["labelSelector"]["matchLabels"].items() <= pod.labels.items():
            yield f"the spread over {spread['topologyKey']} counts other pods than its own"


def _volumes(pod: Pod, cluster: Cluster) -> Iterator[str]:
    names = [volume["name"] for volume in pod.volumes]
    mounted = {mount["name"] for container in pod.containers for mount in container.get("volumeMounts", [])}
    yield from _twice("the volume", names)
    yield from (f"there is no volume {name} to mount" for name in sorted(mounted - {*names}))
    yield from (f"nothing mounts the volume {name}" for name in sorted({*names} - mounted))
    for volume in pod.volumes:
        yield from (f"the volume {volume['name']} is a {kind}" for kind in volume.keys() - VOLUMES - {"name"})
        for field, kind, key in (
            ("configMap", "ConfigMap", "name"),
            ("secret", "Secret", "secretName"),
            ("persistentVolumeClaim", "PersistentVolumeClaim", "claimName"),
        ):
            if field in volume and not cluster.has(kind, volume[field][key]):
                yield f"the volume {volume['name']} needs {kind}/{volume[field][key]}, which is not there"


def _identity(pod: Pod, cluster: Cluster) -> Iterator[str]:
    account = pod.spec.get("serviceAccountName", "default")
    if account == "default" or not cluster.has("ServiceAccount", account):
        yield f"ServiceAccount/{account} is not one of its own"
    if pod.spec.get("automountServiceAccountToken", True):
        yield "every container gets a token for the Kubernetes API"
    if pod.spec.get("enableServiceLinks", True):
        yield "variables for the Services nearby are mixed into its environment"
    security = pod.spec.get("securityContext", {})
    if not security.get("runAsNonRoot") or not security.get("runAsUser"):
        yield "the pod does not say that it runs as somebody else than root, by number"
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "seccompProfile is not RuntimeDefault"
    yield from (f"{field} is set" for field in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(field))


def _names(pod: Pod, _: Cluster) -> Iterator[str]:
    yield from _twice("the container", (container["name"] for container in pod.containers))
    yield from _twice("the port", (port["name"] for port in pod.ports if "name" in port))
    yield from _twice("the port", (port["containerPort"] for port in pod.ports))


# ---- one container


def _probes(container: Manifest, _pod: Pod, cluster: Cluster) -> Iterator[str]:
    ports = container.get("ports", [])
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        if not (probe := container.get(name)):
            if ports:
                yield f"{name} is missing"
            continue
        handlers = probe.keys() & {"exec", "grpc", "httpGet", "tcpSocket"}
        if len(handlers) != 1:
            yield f"{name} asks in {len(handlers)} ways instead of one"
        wanted = next((probe[handler].get("port") for handler in handlers), None)
        if wanted is not None and not any(wanted in (port.get("name"), port["containerPort"]) for port in ports):
            yield f"{name} asks at port {wanted}, which is not there"
    limit = cluster.environment(container).get("READINESS_TIMEOUT_SECONDS")
    patience = container.get("readinessProbe", {}).get("timeoutSeconds", 1)
    if "readinessProbe" in container and limit and patience <= float(limit):
        yield f"readinessProbe gives up before the service does (READINESS_TIMEOUT_SECONDS is {limit})"


def _ports(container: Manifest, _pod: Pod, cluster: Cluster) -> Iterator[str]:
    ports = container.get("ports", [])
    yield from (f"hostPort {port['hostPort']} is set" for port in ports if "hostPort" in port)
    yield from (f"{port['containerPort']} is not a port" for port in ports if not 1 <= port["containerPort"] < 2**16)
    listens = cluster.environment(container).get("HTTP_PORT")
    if ports and listens and int(listens) not in {port["containerPort"] for port in ports}:
        yield f"it listens on HTTP_PORT {listens}, which is not among its ports"


def _shutdown(container: Manifest, pod: Pod, cluster: Cluster) -> Iterator[str]:
    values = cluster.environment(container)
    needs = sum(float(values.get(f"SHUTDOWN_{part}_SECONDS") or 0) for part in ("DRAIN", "GRACE"))
    grace = pod.spec.get("terminationGracePeriodSeconds", 30)
    if container.get("ports") and needs >= grace:
        yield f"it is killed after {grace} s, but needs up to {needs:g} s to stop"


def _resources(container: Manifest, _pod: Pod, _cluster: Cluster) -> Iterator[str]:
    requests, limits = (container.get("resources", {}).get(kind, {}) for kind in ("requests", "limits"))
    yield from (f"no request for {each}" for each in ("cpu", "memory") if each not in requests)
    if "memory" not in limits:
        yield "no limit for memory"
    for each, amount in [*requests.items(), *limits.items()]:
        if _quantity(amount) is None:
            yield f"{amount} of {each} is not an amount"
    for each in requests.keys() & limits.keys():
        request, limit = _quantity(requests[each]), _quantity(limits[each])
        if request and limit and request > limit:
            yield f"requests {requests[each]} of {each}, above the limit {limits[each]}"


def _security(container: Manifest, _pod: Pod, _cluster: Cluster) -> Iterator[str]:
    security = container.get("securityContext", {})
    if security.get("allowPrivilegeEscalation", True):
        yield "allowPrivilegeEscalation is not false"
    if security.get("privileged"):
        yield "it is privileged"
    if not security.get("readOnlyRootFilesystem"):
        yield "the root file system is not read-only"
    capabilities = security.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []) or capabilities.get("add"):
        yield "it does not drop all capabilities"
    if security.get("runAsUser") == 0 or security.get("runAsNonRoot") is False:
        yield "it may run as root"


def _image(container: Manifest, _pod: Pod, _cluster: Cluster) -> Iterator[str]:
    _, _, tag = container["image"].rpartition("/")[2].partition(":")
    if tag in ("", "latest") and "@sha256:" not in container["image"]:
        yield f"the image {container['image']} says nothing about its version"


def _references(container: Manifest, _pod: Pod, cluster: Cluster) -> Iterator[str]:
    yield from _twice("the variable", (each["name"] for each in container.get("env", [])))
    wanted = [
        (kind, source[field], None)
        for source in container.get("envFrom", [])
        for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef"))
        if field in source
    ] + [
        (kind, each["valueFrom"][field], each["valueFrom"][field]["key"])
        for each in container.get("env", [])
        for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef"))
        if field in each.get("valueFrom", {})
    ]
    for kind, reference, key in wanted:
        found = cluster.get(kind, reference["name"])
        if not cluster.has(kind, reference["name"]) and not reference.get("optional"):
            yield f"{kind}/{reference['name']} is not there"
        elif found and key and key not in {**found.get("data", {}), **found.get("stringData", {})}:
            yield f"{kind}/{reference['name']} has no {key}"


OF_CLUSTER: tuple[Callable[[Cluster], Iterator[str]], ...] = (
    _objects,
    _services,
    _disruption_budgets,
    _autoscalers,
    _claims,
)
OF_POD: tuple[Callable[[Pod, Cluster], Iterator[str]], ...] = (_selector, _names, _volumes, _identity)
OF_CONTAINER: tuple[Callable[[Manifest, Pod, Cluster], Iterator[str]], ...] = (
    _probes,
    _ports,
    _shutdown,
    _resources,
    _security,
    _image,
    _references,
)
