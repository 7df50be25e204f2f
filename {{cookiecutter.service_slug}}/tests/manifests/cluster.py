"""The objects of an environment, and how they hang together: who selects whom, who finds what in its environment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from .kustomize import Manifest, containers


@dataclass(frozen=True)
class Container:
    """One container, with the pods it is in."""

    spec: Manifest
    pod: "Pod"

    @property
    def name(self) -> str:
        """As it is told in a problem."""
        return f"{self.pod.owner}, container {self.spec['name']}"

    @property
    def command(self) -> str:
        """What the service is told to do in it."""
        return " ".join(self.spec.get("args", []))

    @property
    def ports(self) -> list[Manifest]:
        """Those that it opens."""
        return list(self.spec.get("ports", []))

    @cached_property
    def environment(self) -> dict[str, str | None]:
        """What it finds there; None for what only the cluster knows."""
        values: dict[str, str | None] = {}
        for source in self.spec.get("envFrom", []):
            content = self.pod.cluster.find("ConfigMap", source.get("configMapRef", {}).get("name", "")) or {}
            values |= {f"{source.get('prefix', '')}{key}": value for key, value in content.get("data", {}).items()}
        return values | {each["name"]: each.get("value") for each in self.spec.get("env", [])}


@dataclass(frozen=True)
class Pod:
    """The pods that one workload makes."""

    workload: Manifest
    cluster: "Cluster"

    @property
    def owner(self) -> str:
        """Kind and name of what makes them."""
        return named(self.workload)

    @property
    def template(self) -> Manifest:
        """What they are made from."""
        spec = self.workload["spec"]
        return dict(spec.get("jobTemplate", {}).get("spec", spec)["template"])

    @property
    def spec(self) -> Manifest:
        """What is the same for all of its containers."""
        return dict(self.template["spec"])

    @property
    def labels(self) -> dict[str, str]:
        """By which others find them."""
        return dict(self.template["metadata"].get("labels", {}))

    @cached_property
    def containers(self) -> list[Container]:
        """Those that run first included."""
        return [Container(each, self) for each in containers(self.spec)]

    @property
    def ports(self) -> list[Manifest]:
        """Those of all containers."""
        return [port for container in self.containers for port in container.ports]

    @property
    def volumes(self) -> list[Manifest]:
        """Those that may be mounted."""
        return list(self.spec.get("volumes", []))


@dataclass(frozen=True)
class Cluster:
    """All objects of one environment."""

    manifests: Sequence[Manifest]

    def find(self, kind: str, name: str) -> Manifest | None:
        """The object, if it is there."""
        return next((each for each in self.manifests if named(each) == f"{kind}/{name}"), None)

    def of(self, *kinds: str) -> list[Manifest]:
        """The objects of some kinds."""
        return [each for each in self.manifests if each["kind"] in kinds]

    @cached_property
    def pods(self) -> list[Pod]:
        """Those of every workload."""
        return [Pod(each, self) for each in self.of("CronJob", "DaemonSet", "Deployment", "Job", "StatefulSet")]

    @property
    def containers(self) -> Iterator[Container]:
        """Those of every pod."""
        return (container for pod in self.pods for container in pod.containers)

    def selected(self, selector: Manifest) -> list[Pod]:
        """The pods that a label selector finds."""
        return [pod for pod in self.pods if selects(selector, pod.labels)]


def named(manifest: Manifest) -> str:
    """Kind and name: how objects are called in problems."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a selector (`matchLabels`, and `matchExpressions` with `In`) finds something with these labels."""
    wanted = [(key, [value]) for key, value in selector.get("matchLabels", {}).items()]
    for each in selector.get("matchExpressions", []):
        if each["operator"] != "In":
            raise ValueError(f"a selector with {each['operator']} cannot be judged here")
        wanted.append((each["key"], each["values"]))
    return all(labels.get(key) in values for key, values in wanted)
