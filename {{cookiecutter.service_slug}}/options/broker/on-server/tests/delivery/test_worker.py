"""The worker in a cluster: it is scaled by every backlog, and answers its probes and scrapers."""

from pathlib import Path
from typing import Any

import yaml
from chassis.testing.http import running
from chassis.testing.manifests import Cluster, render_all

from {{ cookiecutter.package_name }} import bootstrap

ROOT = Path(__file__).parents[2]


def test_the_backlog_of_every_consumer_counts() -> None:
    scaled = ROOT / "k8s" / "components" / "worker-scaling" / "scaledobject.yaml"
    triggers = yaml.safe_load(scaled.read_text(encoding="utf-8"))["spec"]["triggers"]
    used = {value for trigger in triggers for value in trigger["metadata"].values()}
    # Where a consumer belongs to one channel, its name goes on with that of the channel.
    used |= {value.replace("_", ".").rpartition(".")[0] for value in used}
    missing = bootstrap.create_subscriptions_in_memory().keys() - used
    assert not missing, f"add a trigger for {', '.join(missing)} to {scaled.relative_to(ROOT)}"


async def test_probes_and_scrapers_request_existing_paths(settings: Any) -> None:
    everything = Cluster(render_all(ROOT / "environments" / "production", ROOT / "k8s" / "components"))
    requested = everything.requested_paths("worker")
    assert len(requested) == 4
    async with running(bootstrap.create_worker_service(settings)) as client:
        assert {path for path in requested if (await client.get(path)).status_code == 404} == set()
