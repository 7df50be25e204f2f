"""A Kafka cluster for tests that needs no server, and its outages for chaos tests."""

from .mock_cluster import MockCluster, mock_cluster
from .outage import CommandedOutage, MockOutage, outage_of

__all__ = ["CommandedOutage", "MockCluster", "MockOutage", "mock_cluster", "outage_of"]
