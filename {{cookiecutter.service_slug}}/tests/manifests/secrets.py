"""Rules about what containers are told: it is there, and secrets go only to whom they concern."""

import base64
from collections.abc import Iterator

from .cluster import Cluster, Container
from .kustomize import Manifest
from .made import made

# In the order: kind, and the fields that refer to one as a whole and to one of its keys.
SOURCES = (("ConfigMap", "configMapRef", "configMapKeyRef"), ("Secret", "secretRef", "secretKeyRef"))


def references_lead_somewhere(cluster: Cluster) -> Iterator[str]:
    """What a container reads its environment from exists, with the key that is asked for."""
    for container in cluster.containers:
        for kind, name, key in _references(container):
            keys = _keys(cluster, kind).get(name, set())
            if keys is not None and (not keys or (key and key not in keys)):
                yield f"{container.name}: there is no {kind}/{name}{f' with {key}' if key else ''}"
    for account in cluster.of("TriggerAuthentication"):
        for reference in account["spec"]["secretTargetRef"]:
            if reference["name"] not in made(cluster):
                yield f"TriggerAuthentication/{account['metadata']['name']}: there is no Secret/{reference['name']}"


def secrets_are_given_one_by_one(cluster: Cluster) -> Iterator[str]:
    """A whole Secret would give more than is asked for; a migration has to do with the database alone."""
    for container in cluster.containers:
        whole = [name for kind, name, key in _references(container) if kind == "Secret" and not key]
        yield from (f"{container.name}: is given all of Secret/{name}" for name in whole)
        keys = {key for kind, _, key in _references(container) if kind == "Secret"}
        if container.command == "migrate" and keys - {"DATABASE_URL"}:
            yield f"{container.name}: is given {keys}, though it works with the database alone"


def contents(cluster: Cluster) -> dict[str, str]:
    """What can be read here of the secrets of an environment."""
    return {
        key: base64.b64decode(value).decode()
        for secret in cluster.of("Secret")
        for key, value in secret.get("data", {}).items()
    }


def _keys(cluster: Cluster, kind: str) -> dict[str, set[str] | None]:
    if kind == "Secret":
        return made(cluster)
    return {each["metadata"]["name"]: {*each["data"]} for each in cluster.of(kind)}


def _references(container: Container) -> Iterator[tuple[str, str, str | None]]:
    """Kind and name of each object that its environment comes from, with the key if it is for one variable."""
    for kind, whole, single in SOURCES:
        for source in container.spec.get("envFrom", []):
            if whole in source:
                yield kind, source[whole]["name"], None
        variables: list[Manifest] = container.spec.get("env", [])
        for reference in (each["valueFrom"][single] for each in variables if single in each.get("valueFrom", {})):
            yield kind, reference["name"], reference["key"]
