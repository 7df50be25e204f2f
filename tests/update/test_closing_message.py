"""The closing message of the hook appears when a service is created, and not when cruft compares services."""

import os
import subprocess
from pathlib import Path

import pytest

from tests import cruft
from tests.update import edits, templates
from tests.update.templates import Template

MESSAGE = "is generated. Next:"


@pytest.mark.xdist_group("update-smallest")
def test_it_is_printed_by_create_and_not_by_diff_and_update(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = tmp_path / "linked"
    linked.symlink_to(os.environ.get("TMPDIR", "/tmp"))  # noqa: S108 - a temporary folder behind a link, as on macOS
    monkeypatch.setenv("TMPDIR", str(linked))
    given = ["--no-input", "--extra-context", '{"database": "sqlite", "broker": "none", "tracing": "none"}']
    assert MESSAGE in cruft.cruft("create", str(template.path), *given, cwd=tmp_path)
    service = tmp_path / "order-service"
    cruft.commit(service)
    assert cruft.cruft("diff", cwd=service) == ""
    edits.change_the_readme(service)
    difference = cruft.cruft("diff", cwd=service)
    subprocess.run(["git", "apply", "-"], cwd=service, input=difference, text=True, check=True)
    assert cruft.run("git", "status", "--short", cwd=service) == ""
    assert MESSAGE not in cruft.cruft("update", "--skip-apply-ask", "--checkout", templates.NEWER, cwd=service)
