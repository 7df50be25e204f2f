"""Rules about the environment of containers and their secrets: all exist, and go only where they are needed."""

import base64
from collections.abc import Iterator

from .cluster import Cluster, Container, Rule, named
from .kustomize import Manifest

# In the order: kind, and the fields that refer to one as a whole and to one of its keys.
SOURCES = (("ConfigMap", "configMapRef", "configMapKeyRef"), ("Secret", "secretRef", "secretKeyRef"))
# The keys of each Secret; None where they are not known here.
Keys = dict[str, set[str] | None]


def references_exist(cluster: Cluster) -> Iterator[str]:
    """Everything that a container reads its environment from exists, with the key that it asks for."""
    for container in cluster.containers:
        for kind, name, key in _references(container):
            keys = _keys(cluster, kind).get(name, set())
            if keys is not None and (not keys or (key and key not in keys)):
                yield f"{container.name}: {kind}/{name}{f' with the key {key}' if key else ''} does not exist"
    for account in cluster.of("TriggerAuthentication"):
        for reference in account["spec"]["secretTargetRef"]:
            if reference["name"] not in secrets(cluster):
                yield f"{named(account)}: Secret/{reference['name']} does not exist"


def secrets_are_given_key_by_key(cluster: Cluster) -> Iterator[str]:
    """A whole Secret gives more than is needed; a migration needs the database's alone."""
    for container in cluster.containers:
        whole = [name for kind, name, key in _references(container) if kind == "Secret" and not key]
        yield from (f"{container.name}: is given all of Secret/{name}" for name in whole)
        keys = {key for kind, _, key in _references(container) if kind == "Secret"}
        foreign = sorted(key for key in keys if key and not key.startswith("DATABASE_"))
        if container.command == "migrate" and foreign:
            yield f"{container.name}: is given {foreign}, although it needs the database alone"


def secrets_come_from_their_own_environment(cluster: Cluster) -> Iterator[str]:
    """A secret that was encrypted or stored for another environment cannot be read in this one."""
    namespaces = {each["metadata"]["name"] for each in cluster.of("Namespace")}
    for each in cluster.of("SealedSecret"):
        template = each["spec"]["template"]["metadata"]
        if template["name"] != each["metadata"]["name"] or template["namespace"] not in namespaces:
            yield f"{named(each)}: was sealed for {template['name']} in {template['namespace']}"
    for each in cluster.of("ExternalSecret"):
        store = each["spec"]["secretStoreRef"]["name"]
        if not any(namespace.endswith(f"-{store}") for namespace in namespaces):
            yield f"{named(each)}: comes from the store {store} of another environment"


def mounted_secrets_can_be_read_and_rotated(cluster: Cluster) -> Iterator[str]:
    """The service's user reads them through the group of the volumes, no other user does, and updates arrive."""
    for container in cluster.containers:
        group = container.pod.spec.get("securityContext", {}).get("fsGroup")
        for mount, source in container.secret_mounts:
            place = f"{container.name}: {mount['mountPath']}"
            mode = source.get("defaultMode", 0o644)
            if "subPath" in mount:
                yield f"{place} is mounted by subPath, which is never updated"
            if not mount.get("readOnly"):
                yield f"{place} is not read-only"
            if not group or not mode & 0o040:
                yield f"{place} cannot be read by the user: set fsGroup, and a defaultMode such as 0440"
            if mode & 0o007:
                yield f"{place} can be read by every user: set a defaultMode such as 0440"


def password_files_are_mounted(cluster: Cluster) -> Iterator[str]:
    """A variable that names a file with a password, below a mounted Secret or nothing, names one of its files."""
    for container in cluster.containers:
        secret = {mount["mountPath"] for mount, _ in container.secret_mounts}
        other = {mount["mountPath"] for mount in container.spec.get("volumeMounts", [])} - secret
        for variable, value in container.environment.items():
            if not variable.endswith("_PASSWORD_FILE") or not value or value in container.secret_files:
                continue
            if not any(value.startswith(f"{path}/") for path in other):
                yield f"{container.name}: {variable} names {value}, which no volume holds"


def secrets(cluster: Cluster) -> Keys:
    """The Secrets that pods may rely on; the keys of those that are made by hand or not sealed yet are unknown."""
    found: Keys = dict.fromkeys(cluster.secrets_made_by_hand)
    found |= {each["metadata"]["name"]: {*each["data"]} for each in cluster.of("Secret")}
    for each in cluster.of("SealedSecret"):
        found[each["spec"]["template"]["metadata"]["name"]] = {*each["spec"]["encryptedData"]} or None
    for each in cluster.of("ExternalSecret"):
        found[each["spec"]["target"]["name"]] = {data["secretKey"] for data in each["spec"]["data"]}
    return found


def readable_values(cluster: Cluster) -> dict[str, str]:
    """The values of the Secrets of an environment that are not encrypted."""
    return {
        key: base64.b64decode(value).decode()
        for secret in cluster.of("Secret")
        for key, value in secret.get("data", {}).items()
    }


def _keys(cluster: Cluster, kind: str) -> Keys:
    if kind == "Secret":
        return secrets(cluster)
    return {each["metadata"]["name"]: {*each["data"]} for each in cluster.of(kind)}


def _references(container: Container) -> Iterator[tuple[str, str, str | None]]:
    """Kind and name of each object that its environment and its files come from, with the key if it is for one."""
    for kind, whole, single in SOURCES:
        for source in container.spec.get("envFrom", []):
            if whole in source:
                yield kind, source[whole]["name"], None
        variables: list[Manifest] = container.spec.get("env", [])
        for reference in (each["valueFrom"][single] for each in variables if single in each.get("valueFrom", {})):
            yield kind, reference["name"], reference["key"]
    for _, source in container.secret_mounts:
        keys: list[Manifest] = source.get("items") or [{"key": None}]
        yield from (("Secret", source["secretName"], item["key"]) for item in keys)


RULES: tuple[Rule, ...] = (
    references_exist,
    secrets_are_given_key_by_key,
    secrets_come_from_their_own_environment,
    mounted_secrets_can_be_read_and_rotated,
    password_files_are_mounted,
)
