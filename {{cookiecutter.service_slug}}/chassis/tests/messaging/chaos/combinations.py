"""What the sample runs on: every broker once, every database once."""

from dataclasses import dataclass

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


EACH_BROKER = [Combination(DATABASES[0], broker) for broker in BROKERS]
EACH_OTHER_DATABASE = [Combination(database, BROKERS[0]) for database in DATABASES[1:]]
