{%- from "slots.jinja" import slot with context -%}
"""The events that the service publishes, and its consumers: consumer name -> event type -> handler.

To handle another service's event, add its type to a consumer; its {{ slot("broker-word") }} is created at start.
"""

from chassis.messaging.contracts import EventCatalog
from chassis.messaging.history import History, history_handlers
from chassis.messaging.inbox import Subscriptions

from .{{ cookiecutter.__entities }} import event_schemas as {{ cookiecutter.__entity }}_schemas

CATALOG = EventCatalog("{{ cookiecutter.service_slug }}", [*{{ cookiecutter.__entity }}_schemas.SCHEMAS])

HISTORY = "{{ cookiecutter.service_slug }}.history"


def subscriptions(history: History) -> Subscriptions:
    """Every consumer with its handlers.

    Args:
        history: records the events of every aggregate of this service.
    """
    return {HISTORY: history_handlers(CATALOG, history)}
