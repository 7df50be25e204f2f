"""The inbox: consumes messages so that each has its effect exactly once."""

from .handlers import IGNORED, EventHandler, HandlerContext, Handlers, Ignored, OutOfOrderEvent, Subscriptions
from .metrics import ConsumerMetrics
from .port import Inbox
from .processor import MessageProcessor
from .retry_policy import RetryPolicy

__all__ = [
    "IGNORED",
    "ConsumerMetrics",
    "EventHandler",
    "HandlerContext",
    "Handlers",
    "Ignored",
    "Inbox",
    "MessageProcessor",
    "OutOfOrderEvent",
    "RetryPolicy",
    "Subscriptions",
]
