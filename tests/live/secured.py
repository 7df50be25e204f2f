"""A service and a server of its own, which lets in only who encrypts and knows the password."""

from dataclasses import dataclass
from pathlib import Path

from tests.live import private_servers
from tests.project import Project


@dataclass(frozen=True)
class Secured:
    """A service, and a server of its own to point it at."""

    project: Project
    server: private_servers.Server
    folder: Path

    @property
    def database(self) -> str:
        """The choice."""
        return str(self.project.baked.answers["database"])

    def settings(self, **changes: str) -> dict[str, str]:
        """How production reaches the server; no URL with a password in it."""
        usual = {
            "ENVIRONMENT": "production",
            "DATABASE_URL": self.server.address,
            "DATABASE_PASSWORD_FILE": str(self.password_file(self.server.password)),
            "DATABASE_TLS": "verify",
            "DATABASE_TLS_CA_FILE": str(self.server.ca_file),
        }
        return {name: value for name, value in (usual | changes).items() if value}

    def password_file(self, password: str) -> Path:
        """As a mounted secret, with a line end that somebody's editor left."""
        path = self.folder / "password"
        path.write_text(f"{password}\n")
        return path
