"""A real cluster that is killed and started again, which no mock cluster can stand in for."""

import os

import pytest

from chassis.errors import Unavailable
from chassis.messaging.brokers.kafka import BrokerSettings
from chassis.messaging.port import Subscription
from chassis.testing.brokers import RecordingHandler, bodies_of, new_messages, publish_all
from chassis.testing.brokers.kafka import CommandedOutage, outage_of

from .conftest import REAL_URL, opened


@pytest.mark.long
async def test_a_killed_cluster_keeps_what_it_acknowledged_and_each_event_takes_effect_once(
    broker_settings: BrokerSettings, subscription: Subscription, type: str
) -> None:
    if REAL_URL is None or not os.environ.get("CHAOS_BROKER_STOP"):
        pytest.skip("needs a cluster that can be killed: LIVE_KAFKA_URL, CHAOS_BROKER_STOP and CHAOS_BROKER_START")
    sent = new_messages(type, 300)
    handled, acknowledged, later = sent[:100], sent[100:200], sent[200:]
    first, second = RecordingHandler(), RecordingHandler()
    async with outage_of(REAL_URL) as outage, opened(broker_settings) as broker:
        assert isinstance(outage, CommandedOutage)
        async with broker.consuming(subscription, first, 4):
            await publish_all(broker, handled)
            await first.wait_for(*bodies_of(handled))
        await publish_all(broker, acknowledged)
        await outage.down()
        with pytest.raises(Unavailable):
            await broker.check()
        await outage.up()
        await publish_all(broker, later)
        async with broker.consuming(subscription, second, 4):
            await second.wait_for(*bodies_of([*acknowledged, *later]))
    assert sorted(first.bodies + second.bodies) == sorted(bodies_of(sent))
