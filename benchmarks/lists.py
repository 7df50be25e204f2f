"""What page 1 and page 1,000 of a list cost at a million rows, on each database: `make bench`.

The figure to look at is the ratio: keyset pagination keeps it at 1, an offset would let it grow with the page.
"""

from benchmarks import services

MEASURE = """
import asyncio, statistics, sys, time
from uuid import UUID
from importlib import import_module

package = sys.argv[1]
database_package = import_module(f"{package}.infrastructure.database")
settings = import_module(f"{package}.config.database").DatabaseSettings()
engine = import_module(f"{package}.infrastructure.database.engine").create_migration_engine(settings)
status = import_module(f"{package}.domain.values").Status
lists = import_module("tests.integration.test_lists")

with engine.connect() as connection:
    driver = connection.connection.driver_connection
    driver.cursor().execute(lists.FILL)
    driver.commit()

ROUNDS, PAGE = 400, 50


async def main():
    database = database_package.select_database(settings)
    await database.open()
    for name, chosen, every in (("all", None, 1), ("by status", status.CREATED, lists.RARE)):
        newest = (await database.page(None, None, 1)).items[0].id
        late = UUID(int=newest.int + 1 - min(999 * PAGE * every, lists.ROWS * 9 // 10))
        seconds = {None: [], late: []}
        for _ in range(ROUNDS):
            for after, taken in seconds.items():
                begun = time.perf_counter()
                page = await database.page(chosen, after, PAGE)
                taken.append(time.perf_counter() - begun)
                assert len(page.items) == PAGE
        first, last = (statistics.median(taken) * 1e6 for taken in seconds.values())
        print(f"  {name:10} page 1 {first:7.0f} us   late page {last:7.0f} us   ratio {last / first:5.2f}")
    await database.close()


asyncio.run(main())
"""


def main() -> None:
    """Print two lines for each database."""
    for name, project, url in services.migrated():
        print(name, flush=True)
        figures = project.run("python", "-c", MEASURE, project.package, DATABASE_URL=url, PYTHONPATH=".")
        print(figures, end="", flush=True)


if __name__ == "__main__":
    main()
