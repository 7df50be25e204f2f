"""Every alert of a service fires and ends in a test, by promtool. It takes long, so few services are asked.

What a service is called changes no rule, and neither does which server or which broker it has.
"""

import pytest

from tests.baked import Bake
from tests.project import Project
from tools import options

SERVICES = {
    "server-and-broker": {"database": "postgresql", "broker": "redis"},
    "file-and-broker": {"database": "sqlite", "broker": "kafka"},
    "server": {"database": "mysql", "broker": "none"},
    "file": {"database": "sqlite", "broker": "none"},
}
TEST = "tests/delivery/test_monitoring.py::test_promtool_accepts_the_rules"

pytestmark = [pytest.mark.needs(f"Python {options.choices()['python_version'][0]}"), pytest.mark.needs("Prometheus")]


@pytest.mark.parametrize("choices", SERVICES.values(), ids=SERVICES)
def test_every_alert_fires_and_ends(
    bake: Bake, tmp_path_factory: pytest.TempPathFactory, choices: dict[str, str]
) -> None:
    service = Project(bake(**choices), tmp_path_factory.mktemp("alerts"))
    assert "2 passed" in service.run("pytest", "-q", TEST)
