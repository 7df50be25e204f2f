"""The objects of an environment and their relations: which selector matches which pods, which variables they have."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ...settings import Section
from .kustomize import Manifest, containers

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
WORKLOADS = ("CronJob", "DaemonSet", "Deployment", "Job", "StatefulSet")
COMPONENT = "app.kubernetes.io/component"


@dataclass(frozen=True)
class Container:
    """A container and the pods that it is in."""

    spec: Manifest
    pod: "Pod"

    @property
    def name(self) -> str:
        """How problems name it."""
        return f"{self.pod.owner}, container {self.spec['name']}"

    @property
    def command(self) -> str:
        """The command of the service that it runs."""
        return " ".join(self.spec.get("args", []))

    @property
    def ports(self) -> list[Manifest]:
        """The ports that it opens."""
        return list(self.spec.get("ports", []))

    @cached_property
    def environment(self) -> dict[str, str | None]:
        """Its variables; None for a value that only the cluster knows."""
        values: dict[str, str | None] = {}
        for source in self.spec.get("envFrom", []):
            content = self.pod.cluster.find("ConfigMap", source.get("configMapRef", {}).get("name", "")) or {}
            values |= {f"{source.get('prefix', '')}{key}": value for key, value in content.get("data", {}).items()}
        return values | {each["name"]: each.get("value") for each in self.spec.get("env", [])}

    @property
    def secret_mounts(self) -> Iterator[tuple[Manifest, Manifest]]:
        """Each mount of a Secret, and the source of its volume."""
        sources = {volume["name"]: volume["secret"] for volume in self.pod.volumes if "secret" in volume}
        for mount in self.spec.get("volumeMounts", []):
            if mount["name"] in sources:
                yield mount, sources[mount["name"]]

    @property
    def secret_files(self) -> dict[str, tuple[str, str]]:
        """The files that are mounted from Secrets: the Secret's name and the key, by path."""
        return {
            f"{mount['mountPath']}/{item['path']}": (source["secretName"], item["key"])
            for mount, source in self.secret_mounts
            for item in source.get("items", [])
        }


@dataclass(frozen=True)
class Pod:
    """The pods of one workload."""

    workload: Manifest
    cluster: "Cluster"

    @property
    def owner(self) -> str:
        """Kind and name of the workload."""
        return named(self.workload)

    @property
    def template(self) -> Manifest:
        """The pods' template."""
        spec = self.workload["spec"]
        return dict(spec.get("jobTemplate", {}).get("spec", spec)["template"])

    @property
    def spec(self) -> Manifest:
        """The specification of the pods."""
        return dict(self.template["spec"])

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the pods."""
        return dict(self.template["metadata"].get("labels", {}))

    @cached_property
    def containers(self) -> list[Container]:
        """All containers, including those that run first."""
        return [Container(each, self) for each in containers(self.spec)]

    @property
    def ports(self) -> list[Manifest]:
        """The ports of all containers."""
        return [port for container in self.containers for port in container.ports]

    @property
    def volumes(self) -> list[Manifest]:
        """The volumes that containers may mount."""
        return list(self.spec.get("volumes", []))


@dataclass(frozen=True)
class Cluster:
    """All objects of one environment.

    Args:
        manifests: the objects.
        sections: of the service's settings; rules compare variables, ports and addresses with them.
        secrets_made_by_hand: names of Secrets that no object makes.
    """

    manifests: Sequence[Manifest]
    sections: Collection[type[Section]] = ()
    secrets_made_by_hand: Collection[str] = field(default=())

    def find(self, kind: str, name: str) -> Manifest | None:
        """The object, if it exists."""
        return next((each for each in self.manifests if named(each) == f"{kind}/{name}"), None)

    def of(self, *kinds: str) -> list[Manifest]:
        """The objects of some kinds."""
        return [each for each in self.manifests if each["kind"] in kinds]

    @cached_property
    def pods(self) -> list[Pod]:
        """The pods of every workload."""
        return [Pod(each, self) for each in self.of(*WORKLOADS)]

    @property
    def containers(self) -> list[Container]:
        """The containers of all pods."""
        return [container for pod in self.pods for container in pod.containers]

    def selected(self, selector: Manifest) -> list[Pod]:
        """The pods that a label selector matches."""
        return [pod for pod in self.pods if selects(selector, pod.labels)]

    def component(self, name: str) -> list[Container]:
        """The main container of each workload of a component, such as `api`."""
        return [pod.containers[-1] for pod in self.pods if pod.labels.get(COMPONENT) == name]

    def requested_paths(self, component: str) -> set[str]:
        """The paths that probes and monitors request of a component."""
        found = {
            container.spec[probe]["httpGet"]["path"]
            for container in self.component(component)
            for probe in PROBES
            if probe in container.spec
        }
        for monitor in self.of("ServiceMonitor", "PodMonitor"):
            if monitor["metadata"]["labels"][COMPONENT] == component:
                endpoints = monitor["spec"].get("endpoints", monitor["spec"].get("podMetricsEndpoints"))
                found |= {endpoint["path"] for endpoint in endpoints}
        return found

    def routed_prefixes(self) -> Iterator[str]:
        """The prefixes of paths that routes lead into the service from outside."""
        for route in self.of("HTTPRoute"):
            yield from (match["path"]["value"] for rule in route["spec"]["rules"] for match in rule["matches"])
        for route in self.of("Ingress"):
            yield from (path["path"] for rule in route["spec"]["rules"] for path in rule["http"]["paths"])

    def description(self, variable: str) -> str:
        """The description of a variable in the settings; empty if it is not one of them."""
        for section in self.sections:
            for name, setting in section.model_fields.items():
                if section.variable(name) == variable:
                    return setting.description or ""
        return ""

    def example(self, variable: str) -> str:
        """A value that a secret may hold: the address in the setting's description, with a password."""
        address = self.description(variable).split()[0].rstrip(",;")
        return address.replace("user:password@", "user:9f2c@")


Rule = Callable[[Cluster], Iterator[str]]


def named(manifest: Manifest) -> str:
    """Kind and name: how problems name an object."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a selector (`matchLabels`, and `matchExpressions` with `In`) matches these labels."""
    wanted = [(key, [value]) for key, value in selector.get("matchLabels", {}).items()]
    for each in selector.get("matchExpressions", []):
        if each["operator"] != "In":
            raise ValueError(f"selectors with {each['operator']} are not supported")
        wanted.append((each["key"], each["values"]))
    return all(labels.get(key) in values for key, values in wanted)
