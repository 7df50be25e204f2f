"""Who makes the Secrets of an environment."""

from .cluster import Cluster, named


def made(cluster: Cluster) -> dict[str, set[str] | None]:
    """The Secrets that pods may rely on, with their keys; None for the keys of one that was not sealed yet.

    Raises:
        AssertionError: one was sealed for another environment; its controller could not read it.
    """
    found: dict[str, set[str] | None] = {}
    for each in cluster.of("SealedSecret"):
        made_of = each["spec"]["template"]["metadata"]
        (namespace,) = (namespace["metadata"]["name"] for namespace in cluster.of("Namespace"))
        where = (made_of["name"], made_of["namespace"])
        assert where == (each["metadata"]["name"], namespace), f"{named(each)} was sealed for {where}"
        found[made_of["name"]] = {*each["spec"]["encryptedData"]} or None
    return found
