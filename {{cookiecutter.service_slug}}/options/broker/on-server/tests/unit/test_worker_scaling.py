"""Workers are scaled by the backlog of every subscription, not only of those that were there first."""

from pathlib import Path

import yaml

from {{ cookiecutter.package_name }}.infrastructure.messaging.subscriptions import subscriptions

FILE = Path(__file__).parents[2] / "k8s" / "components" / "worker-scaling" / "scaledobject.yaml"


def test_the_backlog_of_every_subscription_counts() -> None:
    triggers = yaml.safe_load(FILE.read_text())["spec"]["triggers"]
    asked = {value for trigger in triggers for value in trigger["metadata"].values()}
    for name in subscriptions():
{%- if cookiecutter.broker == "nats" %}
        # A consumer has the name of its channel as well.
        assert any(value.startswith(f"{name.replace('.', '_')}_") for value in asked), name
{%- else %}
        assert name in asked
{%- endif %}
