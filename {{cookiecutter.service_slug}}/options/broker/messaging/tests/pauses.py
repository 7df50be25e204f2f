"""Lets tests see how long something would wait after failures."""


class Pauses:
    """Takes the place of a Backoff: no pause at all, remembers how many failures in a row each one was for."""

    def __init__(self) -> None:
        self.failures: list[int] = []

    def after(self, failures: int) -> float:
        """No time."""
        self.failures.append(failures)
        return 0
