"""What page 1 and page 1,000 of a list cost at a million rows, on each database: `make bench`.

The figure to look at is the ratio: keyset pagination keeps it at 1, an offset would let it grow with the page.
"""

from benchmarks import services

# Run in the service's environment, with the name of its package and of its database.
MEASURE = """
import asyncio, statistics, sys, time
from importlib import import_module
from uuid import UUID
from chassis.settings import load_settings

package, database = sys.argv[1:]
bootstrap = import_module(f"{package}.bootstrap")
settings = load_settings(import_module(f"{package}.config.settings").Settings, ["database"])
schema = import_module(f"{package}.infrastructure.schema")
status = import_module(f"{package}.domain.orders.values").Status

ROUNDS, PAGE, ROWS, RARE = 400, 50, 1_000_000, 1_000
STATUS = f"CASE WHEN n % {RARE} = 0 THEN 'created' WHEN n % 2 = 0 THEN 'confirmed' ELSE 'cancelled' END"
DIGITS = " UNION ALL ".join(f"SELECT {digit} AS digit" for digit in range(10))
SIX = ", ".join(f"({DIGITS}) AS {name}" for name in "abcdef")
FILL = {
    "postgresql": f'''INSERT INTO orders
        SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'A-' || n, 1, {STATUS}, 1, now(), now()
        FROM generate_series(1, {ROWS}) AS n''',
    "mysql": f'''INSERT INTO orders
        SELECT UNHEX(CONCAT('01900000000070008000', LPAD(HEX(n), 12, '0'))), CONCAT('A-', n), 1, {STATUS}, 1,
               NOW(6), NOW(6)
        FROM (SELECT 1 + a.digit + 10 * (b.digit + 10 * (c.digit + 10 * (d.digit + 10 * (e.digit + 10 * f.digit)))) AS n
              FROM {SIX} ORDER BY n) AS numbers''',
    "sqlite": f'''WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS})
        INSERT INTO orders
        SELECT printf('01900000-0000-7000-8000-%012x', n), 'A-' || n, 1, {STATUS}, 1, '2026-01-31', '2026-01-31'
        FROM numbers''',
}
NEWEST = UUID("01900000-0000-7000-8000-000000000000").int + ROWS

with schema.create_target().engine().connect() as connection:
    driver = connection.connection.driver_connection
    driver.cursor().execute(FILL[database])
    driver.commit()


async def main():
    storage = getattr(bootstrap, f"on_{database}")(settings.database)
    await storage.database.open()
    for name, chosen, every in (("all", None, 1), ("by status", status.CREATED, RARE)):
        late = UUID(int=NEWEST + 1 - min(999 * PAGE * every, ROWS * 9 // 10))
        seconds = {None: [], late: []}
        for _ in range(ROUNDS):
            for after, taken in seconds.items():
                begun = time.perf_counter()
                page = await storage.orders.page(chosen, after, PAGE)
                taken.append(time.perf_counter() - begun)
                assert len(page.items) == PAGE
        first, last = (statistics.median(taken) * 1e6 for taken in seconds.values())
        print(f"  {name:10} page 1 {first:7.0f} us   late page {last:7.0f} us   ratio {last / first:5.2f}")
    await storage.database.close()


asyncio.run(main())
"""


def main() -> None:
    """Print two lines for each database."""
    for name, project, url in services.migrated():
        print(name, flush=True)
        figures = project.run("python", "-c", MEASURE, project.package, name, DATABASE_URL=url, LOG_LEVEL="error")
        print(figures, end="", flush=True)


if __name__ == "__main__":
    main()
