"""The same database and broker as the integration tests."""

from ..integration.conftest import *  # noqa: F403
from ..integration.messaging.conftest import *  # noqa: F403
