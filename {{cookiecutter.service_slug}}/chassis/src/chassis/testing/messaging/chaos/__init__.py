"""Chaos runs: a service as processes, under load, while it is killed and its broker and database fail.

A test provides a `ChaosService` and lets it fail; the report is the verdict::

    report = await chaos_run(service, seconds=60)
    assert report.is_clean, str(report)

Every acknowledged change must lead to its event, handled exactly once, and in order.
"""

from .fleet import Fleet
from .judge import Records, Verdict
from .load import Client, Ledger, Life
from .report import ChaosReport
from .rollout import rollout_run
from .run import chaos_run, outage_run
from .service import BrokerOutage, ChaosService, Cut, database_connections

__all__ = [
    "BrokerOutage",
    "ChaosReport",
    "ChaosService",
    "Client",
    "Cut",
    "Fleet",
    "Ledger",
    "Life",
    "Records",
    "Verdict",
    "chaos_run",
    "database_connections",
    "outage_run",
    "rollout_run",
]
