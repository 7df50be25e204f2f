"""Base class of the settings of a server: a URL with an account, and a password that may be in a file."""

from collections.abc import Sequence
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from pydantic import Field, FilePath, SecretStr, field_validator

from .environment import Environment
from .guard import PLACEHOLDERS
from .section import Section


class ServerSection(Section):
    """How to reach a server. Subclasses define the URL's schemes and an example for error messages."""

    schemes: ClassVar[tuple[str, ...]]
    example: ClassVar[str]

    url: SecretStr | None = None
    password_file: FilePath | None = Field(
        None,
        description="file with the password, instead of one in the URL; read again for every connection",
    )

    @field_validator("url")
    @classmethod
    def is_valid(cls, url: SecretStr | None) -> SecretStr | None:
        """Another scheme, or an option in the URL, is a mistake that would show up late and unclear."""
        if url is None:
            return None
        text = url.get_secret_value()
        if not text.startswith(cls.schemes):
            raise ValueError(f"must look like {cls.example}")
        if "?" in text:
            raise ValueError("takes no options after a `?`; there is a variable for each")
        if not cls.is_parseable(text):
            raise ValueError("cannot be parsed; it names a host, and / @ : # [ ] % as %2F %40 %3A %23 %5B %5D %25")
        return url

    @classmethod
    def is_parseable(cls, url: str) -> bool:
        """False where a part of the password would be read as a host, a port or a name, and shown in errors."""
        try:
            parts = urlsplit(url)
            is_server = bool(parts.hostname) and parts.port != 0
        except ValueError:
            return False
        name = parts.path.removeprefix("/")
        return is_server and not parts.fragment and parts.netloc.count("@") <= 1 and cls.is_name(name)

    @classmethod
    def is_name(cls, name: str) -> bool:
        """Whether the part after the slash is a possible name (of a database, of a virtual host)."""
        return not set("/@") & set(name)

    @property
    def address(self) -> str:
        """The URL. Raises ValueError if it is not set."""
        if self.url is None:
            raise ValueError(f"{self.variable('url')} is not set")
        return self.url.get_secret_value()

    def read_password(self) -> str:
        """The password: the file's present content, else the URL's. Raises OSError."""
        if self.password_file is not None:
            return self.password_file.read_text().strip()
        return unquote(urlsplit(self.address).password or "")

    def problems_in(self, environment: Environment) -> Sequence[str]:
        """A password file that cannot be read, or in production one that holds a placeholder."""
        if self.password_file is None:
            return []
        variable = self.variable("password_file")
        try:
            password = self.read_password()
        except (OSError, UnicodeDecodeError):
            return [f"{variable}: cannot be read by the user of this process"]
        if environment is Environment.PRODUCTION and password.lower() in PLACEHOLDERS:
            return [f"{variable}: holds a placeholder; put the real secret there"]
        return []
