"""What low watermarks of the outbox are worth on PostgreSQL, and what they cost: `make bench`.

The figures to look at are the ratios: the processor time of an event without watermarks to that with them, of the relay
and its sessions on the server together, which must be on this machine. Both variants take turns in one run, each on a
database of its own, with a broker that confirms at once. With a snapshot open, every row that is published stays:
without watermarks, each claim passes all of them. On an outbox that is vacuumed, the ratio is to stay above 0.98.
"""

import tempfile
from pathlib import Path

from benchmarks import services
from tests import needs
from tests.live import databases

# Run in the service's environment, with the URLs of two migrated databases.
MEASURE = """
import asyncio, re, statistics, sys, time
from contextlib import ExitStack
from pathlib import Path
import psycopg, structlog
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from chassis.database.postgresql import DatabaseSettings, PostgresDatabase
from chassis.identity import utc_now
from chassis.messaging.brokers.in_process import InProcessBroker
from chassis.messaging.outbox import OutboxMetrics, Relay
from chassis.messaging.storage.postgresql import PostgresOutbox, statements, watermarks

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
KEPT, STEPS = 20_000, 5
ROUNDS, SIZES = 15, {"batches of 500": (500, 10_000), "batches of 20": (20, 2_000)}
FILL = '''INSERT INTO outbox (lane, id, type, key, body)
    SELECT mod(n, 16), gen_random_uuid(), 'billing-service.invoice.created', gen_random_uuid(), repeat('x', 500)::bytea
    FROM generate_series(1, %s) AS n'''
BOUND = re.compile(r" AND outbox.position >= \\w+.low_watermark")
WITH = {name: getattr(statements, name) for name in ("CLAIM_LANES", "READ", "BACKLOG")}
WITHOUT = {name: BOUND.sub("", text) for name, text in WITH.items()}
assert not any("low_watermark" in text for text in WITHOUT.values())
advance = watermarks.LowWatermarks.removed


async def advance_nothing(*_):
    pass


class ConfirmingBroker(InProcessBroker):
    def __init__(self, count):
        super().__init__()
        self.missing, self.done = count, asyncio.Event()

    async def publish(self, messages):
        self.missing -= len(messages)
        if not self.missing:
            self.done.set()
        return [message.id for message in messages]


class Variant:
    def __init__(self, url, texts, removed):
        self.url, self.texts, self.removed = url, texts, removed
        self.database = PostgresDatabase(DatabaseSettings(url=SecretStr(url)), "benchmark")
        self.outbox = PostgresOutbox(self.database)

    def cpu_seconds(self):
        with psycopg.connect(self.url) as server:
            pids = server.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name = 'benchmark'").fetchall()
        sessions = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for (pid,) in pids) / 1e9
        return time.process_time() + sessions

    def run(self, *commands):
        with psycopg.connect(self.url, autocommit=True) as server:
            for command, *values in commands:
                server.execute(command, values)

    async def publish(self, size, count):
        self.run((FILL, count))
        for name, text in self.texts.items():
            setattr(statements, name, text)
        watermarks.LowWatermarks.removed = self.removed
        broker = ConfirmingBroker(count)
        relay = Relay(self.outbox, broker, OutboxMetrics(CollectorRegistry()), size, utc_now)
        cpu, begun = self.cpu_seconds(), time.perf_counter()
        running = asyncio.create_task(relay.run())
        await broker.done.wait()
        relay.stop()
        await running
        taken = time.perf_counter() - begun
        return (self.cpu_seconds() - cpu) / count, taken / count


async def turns(pair, rounds, size, count, *before):
    costs = {variant: [] for variant in pair}
    for number in range(rounds):
        for variant in pair if number % 2 else pair[::-1]:
            variant.run(*before)
            costs[variant].append(await variant.publish(size, count))
    return costs.values()


async def vacuumed(pair):
    for name, (size, count) in SIZES.items():
        costs = await turns(pair, ROUNDS + 1, size, count, ("VACUUM outbox",), ("VACUUM outbox_lanes",))
        show(name, *([statistics.median(each) for each in zip(*taken[1:])] for taken in costs))


async def kept(pair):
    with ExitStack() as stack:
        for variant in pair:
            snapshot = stack.enter_context(psycopg.connect(variant.url))
            snapshot.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            snapshot.execute("SELECT FROM outbox_lanes")
        for number, each in enumerate(zip(*await turns(pair, STEPS, 500, KEPT))):
            show(f"{number * KEPT:,} rows kept", *each)


def show(name, having, lacking):
    figures = (f"{cpu * 1e6:5.0f} us, {1 / taken:6.0f}/s" for cpu, taken in (having, lacking))
    print(f"  {name:18} with {next(figures)}   without {next(figures)}   ratio {lacking[0] / having[0]:5.2f}")


async def main():
    pair = [Variant(sys.argv[1], WITH, advance), Variant(sys.argv[2], WITHOUT, advance_nothing)]
    for variant in pair:
        await variant.database.open()
    await vacuumed(pair)
    await kept(pair)
    for variant in pair:
        await variant.database.close()


asyncio.run(main())
"""


def main() -> None:
    """Print a line for each size of batches, and for each number of rows that a snapshot keeps."""
    if not needs.where("PostgreSQL"):
        print("left out, PostgreSQL does not answer")
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        databases.EVERY["postgresql"].fresh(Path(folder)) as one,
        databases.EVERY["postgresql"].fresh(Path(folder)) as other,
    ):
        project = services.generate(Path(folder), database="postgresql")
        for url in (one, other):
            project.run(project.slug, "migrate", DATABASE_URL=url)
        print("CPU of one event that a relay publishes, and events in a second, with and without low watermarks")
        print(project.run("python", "-c", MEASURE, one, other, LOG_LEVEL="error"), end="", flush=True)


if __name__ == "__main__":
    main()
