"""What can go wrong, in the words of the business. `api.problems` translates each into a response."""

from uuid import UUID


class DomainError(Exception):
    """Base of every refusal that a caller can understand and act upon."""


class InvalidValue(DomainError):
    """A value breaks the rule of its field."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


class NotFound(DomainError):
    """Nothing is stored under this id."""

    def __init__(self, id: UUID) -> None:
        super().__init__(f"no {{ cookiecutter.__noun }} {id}")


class InvalidTransition(DomainError):
    """The life cycle does not allow this step from where the aggregate stands."""

    def __init__(self, step: str, status: str, version: int) -> None:
        super().__init__(f"a {status} {{ cookiecutter.__noun }} cannot be {step}")
        self.version = version


class VersionConflict(DomainError):
    """The aggregate has changed since the caller read it."""

    def __init__(self, current: int) -> None:
        super().__init__(f"the {{ cookiecutter.__noun }} is at version {current} now")
        self.version = current


class KeyReused(DomainError):
    """An idempotency key came back with another request."""

    def __init__(self) -> None:
        super().__init__("this idempotency key was used for another request")


class KeyInUse(DomainError):
    """A request with the same idempotency key has not ended yet."""

    def __init__(self) -> None:
        super().__init__("a request with this idempotency key is still being handled")


class Unavailable(DomainError):
    """Something the service depends on does not answer; the same request may work in a moment."""

    def __init__(self, dependency: str, reason: str) -> None:
        super().__init__(f"{dependency}: {reason}")
        self.dependency = dependency
        self.reason = reason


class Interrupted(Unavailable):
    """It broke off in the middle and has stored nothing: the same step may safely be run again."""
