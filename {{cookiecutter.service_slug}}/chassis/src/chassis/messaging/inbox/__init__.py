"""The inbox: consumes messages so that each has its effect exactly once."""

from .handlers import EventHandler, HandlerContext, OutOfOrderEvent, Subscriptions
from .metrics import ConsumerMetrics
from .port import Inbox
from .processor import MessageProcessor
from .retry_policy import RetryPolicy

__all__ = [
    "ConsumerMetrics",
    "EventHandler",
    "HandlerContext",
    "Inbox",
    "MessageProcessor",
    "OutOfOrderEvent",
    "RetryPolicy",
    "Subscriptions",
]
