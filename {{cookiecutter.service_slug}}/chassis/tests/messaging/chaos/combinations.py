"""What the sample runs on: every broker and every database at least once; with all the time there is, every pair."""

from dataclasses import dataclass
from itertools import cycle

DATABASES = [
    # choice: postgresql
    "postgresql",
    # end
    # choice: mysql
    "mysql",
    # end
    # choice: sqlite
    "sqlite",
    # end
]
BROKERS = [
    # choice: rabbitmq
    "rabbitmq",
    # end
    # choice: kafka
    "kafka",
    # end
    # choice: nats
    "nats",
    # end
    # choice: redis
    "redis",
    # end
]


@dataclass(frozen=True)
class Combination:
    """Adapters of the sample, by the folders that they lie in."""

    database: str
    broker: str

    @property
    def storage_package(self) -> str:
        """The package with its storage."""
        return f"tests.sample.messaging.storage.{self.database}"

    @property
    def broker_package(self) -> str:
        """The package with its broker."""
        return f"tests.sample.messaging.brokers.{self.broker}"

    def __str__(self) -> str:
        return f"{self.database}-{self.broker}"


EACH_BROKER = [Combination(database, broker) for database, broker in zip(cycle(DATABASES), BROKERS, strict=False)]
EVERY_OTHER_PAIR = [
    pair
    for pair in (Combination(database, broker) for database in DATABASES for broker in BROKERS)
    if pair not in EACH_BROKER
]
