"""However the template gets onto a machine, it generates the same service."""

from pathlib import Path

import pytest

from tests import cruft
from tests.update.conftest import Fresh
from tests.update.templates import Template
from tools import options


@pytest.mark.xdist_group("update-smallest")
def test_a_checkout_with_the_line_ends_of_windows_generates_the_same_service(
    template: Template, fresh: Fresh, tmp_path: Path
) -> None:
    cruft.run(
        "git", "-c", "core.autocrlf=true", "clone", "--quiet", "--shared", str(template.path), "crlf", cwd=tmp_path
    )
    assert fresh(tmp_path / "crlf", {}) == fresh(options.ROOT, {})
