"""Who makes the Secrets of an environment."""

from .cluster import Cluster, named


def made(cluster: Cluster) -> dict[str, set[str] | None]:
    """The Secrets that pods may rely on, with their keys.

    Raises:
        AssertionError: one comes from the store of another environment.
    """
    found: dict[str, set[str] | None] = {}
    for each in cluster.of("ExternalSecret"):
        store = each["spec"]["secretStoreRef"]["name"]
        (namespace,) = (namespace["metadata"]["name"] for namespace in cluster.of("Namespace"))
        assert namespace.endswith(f"-{store}"), f"{named(each)} comes from the store {store}"
        found[each["spec"]["target"]["name"]] = {data["secretKey"] for data in each["spec"]["data"]}
    return found
