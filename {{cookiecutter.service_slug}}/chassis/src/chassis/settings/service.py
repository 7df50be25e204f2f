"""Settings that every service has."""

from pydantic import Field

from .environment import Environment
from .section import Section


class ServiceSettings(Section):
    """The environment it runs in and the build that runs."""

    environment: Environment = Field(Environment.LOCAL, description="local, dev, staging or production")
    build_commit: str = Field("unknown", description="commit the image was built from; set by the image build")
    build_time: str = Field("unknown", description="when the image was built (RFC 3339); set by the image build")
