"""The number of messages of a subscription."""

import asyncio

from nats.js.errors import NotFoundError

from ...port import Depth, Subscription
from .names import DeadLetterNames, consumer_of, owner_of
from .session import Session


async def depth_of(session: Session, subscription: Subscription) -> Depth:
    """Messages not settled by its consumers, its replays and its dead letters; zeros where nothing is declared yet."""
    names = DeadLetterNames.of(subscription)
    dead, replays, *waiting = await asyncio.gather(
        _stored(session, names.dead_stream, names.dead_subject),
        _stored(session, names.replay_stream, names.replay_subject),
        *(
            _unsettled(session, owner_of(channel), consumer_of(subscription, channel))
            for channel in subscription.channels
        ),
    )
    return Depth(waiting=sum(waiting) + replays, dead=dead)


async def _stored(session: Session, stream: str, subject: str) -> int:
    try:
        info = await session.jetstream.stream_info(stream, subjects_filter=subject)
    except NotFoundError:
        return 0
    return (info.state.subjects or {}).get(subject, 0)


async def _unsettled(session: Session, stream: str, consumer: str) -> int:
    try:
        info = await session.jetstream.consumer_info(stream, consumer)
    except NotFoundError:
        return 0
    return (info.num_pending or 0) + (info.num_ack_pending or 0)
