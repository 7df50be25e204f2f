"""Servers that a tool fetches: none is missing without a word, and none is one that was never tested."""

from pathlib import Path

import pytest

from tools import chassis, environments, mysql_server, other_servers
from tools.checks import Step
from tools.private_server import ServerError

POLICY = """\
mysql-server-core:
  Installed: (none)
  Candidate: {version}
  Version table:
     {version} 500
"""


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Step]:
    """The steps of a run where MySQL was not fetched."""
    monkeypatch.setattr(mysql_server, "FOLDER", tmp_path)
    monkeypatch.setattr(other_servers, "EVERY", (other_servers.MYSQL,))
    return chassis.on_other_servers(environments.Environment(tmp_path), long=False)


@pytest.fixture(params=[("", "", False), ("required", "", True), ("required", "a tool,MySQL 9", False)])
def is_failure(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a run with these variables fails without it."""
    live, without, is_failure = request.param
    monkeypatch.setenv("LIVE", live)
    monkeypatch.setenv("LIVE_WITHOUT", without)
    return bool(is_failure)


def test_a_missing_server_is_named_with_the_command_that_gets_it(*, is_failure: bool, steps: list[Step]) -> None:
    assert [step.failed for step in steps] == [is_failure]
    assert "MySQL 9 was not fetched; to get it: python -m tools.mysql_server" in chassis.table(steps)


def test_only_a_version_of_the_series_is_fetched() -> None:
    assert mysql_server.candidate(POLICY.format(version=f"{mysql_server.SERIES}4-2")) == f"{mysql_server.SERIES}4-2"
    for other in ("10.1.0-1", "(none)"):
        with pytest.raises(ServerError, match="then change SERIES"):
            mysql_server.candidate(POLICY.format(version=other))
