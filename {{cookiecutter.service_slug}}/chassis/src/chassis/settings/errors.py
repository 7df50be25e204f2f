"""Why a service refuses to start."""

from collections.abc import Sequence


class InvalidSettings(Exception):
    """One line for each problem: the variable, what is wrong, and where it helps how to fix it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
