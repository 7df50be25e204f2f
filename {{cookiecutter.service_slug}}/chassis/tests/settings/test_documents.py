"""Documents made from settings classes."""

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Literal

import pytest
from pydantic import Field, FilePath, SecretStr

from chassis.settings import REQUIRED_OUTSIDE_LOCAL, Section, ServiceSettings
from chassis.settings.documents import USAGE, example, reference


class StoreSettings(Section, env_prefix="STORE_"):
    """Where data is stored."""

    url: SecretStr | None = Field(None, description="its URL", json_schema_extra=REQUIRED_OUTSIDE_LOCAL)
    key: SecretStr = Field(SecretStr("local-only"), description="its key")
    size: int = Field(65_536, ge=1_024, description="its size")
    share: float = Field(0.5, gt=0, le=1, description="its share")
    tls: Literal["off", "on"] = Field("off", description="off or on")
    file: FilePath | None = Field(None, description="its file")
    enabled: bool = Field(False, description="true or false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """As a service declares them."""

    service: ServiceSettings
    store: StoreSettings


def test_the_example_lists_every_variable_with_its_default() -> None:
    text = example(Settings)
    assert "# ENVIRONMENT=local\n" in text
    assert text.endswith(
        "## Where data is stored.\n"
        "# its URL\n# STORE_URL=\n"
        "# its key\n# STORE_KEY=local-only\n"
        "# its size\n# STORE_SIZE=65536\n"
        "# its share\n# STORE_SHARE=0.5\n"
        "# off or on\n# STORE_TLS=off\n"
        "# its file\n# STORE_FILE=\n"
        "# true or false\n# STORE_ENABLED=false\n"
    )


def test_the_reference_describes_allowed_values_and_defaults() -> None:
    text = reference(Settings)
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows == [
        "| `ENVIRONMENT` | `local`, `dev`, `staging`, `production` | `local` | local, dev, staging or production |",
        "| `BUILD_COMMIT` | text | `unknown` | commit the image was built from; set by the image build |",
        "| `BUILD_TIME` | text | `unknown` | when the image was built (RFC 3339); set by the image build |",
        "| `STORE_URL` | secret | must be set, except with `ENVIRONMENT=local` | its URL |",
        "| `STORE_KEY` | secret | `local-only` | its key |",
        "| `STORE_SIZE` | whole number from 1,024 | `65536` | its size |",
        "| `STORE_SHARE` | number above 0 to 1 | `0.5` | its share |",
        "| `STORE_TLS` | `off`, `on` | `off` | off or on |",
        "| `STORE_FILE` | name of a file | not set | its file |",
        "| `STORE_ENABLED` | `true`, `false` | `false` | true or false |",
    ]
    assert "## Store\n\nWhere data is stored.\n" in text


@pytest.mark.parametrize("document", ["example", "reference"])
def test_the_command_prints_a_document(document: str) -> None:
    done = _run(document, f"{__name__}:Settings")
    assert done.stdout == {"example": example, "reference": reference}[document](Settings)


@pytest.mark.parametrize("arguments", [(), ("other", "module:Settings"), ("example", "module")])
def test_the_command_explains_its_arguments(arguments: tuple[str, ...]) -> None:
    done = _run(*arguments)
    assert (done.returncode, done.stderr) == (1, f"{USAGE}\n")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chassis.settings.documents", *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )
