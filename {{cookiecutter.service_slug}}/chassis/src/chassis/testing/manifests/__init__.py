"""Checks of Kubernetes manifests: what a cluster accepts without running it as intended.

A schema finds most of what a cluster refuses. These rules find a selector without pods, a probe at a port that is not
open, a network policy that shuts out the database. Each rule takes a Cluster and yields problems; none is the aim.
"""

from . import network, objects, pods, secrets
from .cluster import Cluster, Container, Pod, Rule
from .kustomize import CannotBuild, build, render, render_all, render_with

RULES: tuple[Rule, ...] = (*objects.RULES, *pods.RULES, *network.RULES, *secrets.RULES)

__all__ = [
    "RULES",
    "CannotBuild",
    "Cluster",
    "Container",
    "Pod",
    "Rule",
    "build",
    "render",
    "render_all",
    "render_with",
]
