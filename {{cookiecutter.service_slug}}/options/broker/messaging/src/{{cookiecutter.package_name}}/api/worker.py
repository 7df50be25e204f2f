"""What the worker answers: its own health and figures, and nothing else."""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from . import operations, problems
from .application import Lifespan
from .metrics import HttpMetrics
from .middleware import RequestPass
{%- if cookiecutter.tracing != "none" %}
from .telemetry import TELEMETRY
{%- endif %}


def create_worker_api(
    health: operations.Health,
    info: operations.Info,
    registry: CollectorRegistry,
    lifespan: Lifespan,
) -> FastAPI:
    """The application that a worker serves.

    Args:
        health: what the probes ask.
        info: what is running here.
        registry: the figures.
        lifespan: does the work, as long as the application runs.
    """
    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False{{ ", telemetry=TELEMETRY" if cookiecutter.tracing != "none" }})
    app.include_router(operations.create_router(health, info, registry))
    problems.install(app)
    app.add_middleware(RequestPass, metrics=HttpMetrics(registry), lifecycle=health.lifecycle)
    return app
