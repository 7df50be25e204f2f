"""What was generated runs: started as a process, without any server, asked for everything, ended by a signal."""

import json

from tests.project import Project
from tests.walk import Walk


def test_serves_every_operation_and_ends_cleanly(generated: Project) -> None:
    token = generated.run(generated.slug, "token").strip() if generated.baked.answers["auth"] == "jwt" else ""
    with generated.serving(ENVIRONMENT="local") as service:
        Walk(service.url, token).everything()
        assert service.terminate() == 0
    assert not service.complaints()


def test_prints_the_contract_that_it_serves(generated: Project) -> None:
    printed = json.loads(generated.run(generated.slug, "openapi"))
    with generated.serving(ENVIRONMENT="local") as service:
        assert Walk(service.url).document == printed


def test_runs_as_a_module(generated: Project) -> None:
    assert "serve" in generated.run("python", "-m", generated.package, "--help")
