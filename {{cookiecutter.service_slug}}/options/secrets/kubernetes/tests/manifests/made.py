"""Who makes the Secrets of an environment."""

from .cluster import Cluster


def made(cluster: Cluster) -> dict[str, set[str] | None]:
    """The Secrets that pods may rely on, with their keys{{ "; None for one that is made by hand (docs/deployment.md)" if cookiecutter.__secret_keys }}."""
    here: dict[str, set[str] | None] = {each["metadata"]["name"]: {*each["data"]} for each in cluster.of("Secret")}
    return {{ '{"' ~ cookiecutter.service_slug ~ '-secrets": None} | here' if cookiecutter.__secret_keys else "here" }}
