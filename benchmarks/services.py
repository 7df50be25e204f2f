"""Generated services to measure, outside pytest."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests import needs
from tests.baked import Baked
from tests.live import databases
from tests.project import Project
from tools.options import ROOT, choices


def migrated() -> Iterator[tuple[str, Project, str]]:
    """For each database whose server answers: its name, a service with it, and the URL of a migrated database."""
    for name, database in databases.EVERY.items():
        if database.server and not needs.where(database.server):
            print(f"{name}: left out, {database.server} does not answer")
            continue
        with tempfile.TemporaryDirectory() as folder, database.fresh(Path(folder)) as url:
            project = generate(Path(folder), database=name)
            project.run(project.slug, "migrate", DATABASE_URL=url)
            yield name, project, url


def generate(folder: Path, **answers: str) -> Project:
    """A service like the default one but for these answers, in a folder that is gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / "generated"
    command = ["-m", "cookiecutter", "--no-input", "--default-config", "--output-dir", str(output), str(ROOT)]
    given = [f"{option}={choice}" for option, choice in answers.items()]
    subprocess.run([sys.executable, *command, *given], check=True, capture_output=True)
    [path] = output.iterdir()
    known = {"package_name": path.name.replace("-", "_"), "python_version": choices()["python_version"][0]}
    return Project(Baked(path, known), folder)
