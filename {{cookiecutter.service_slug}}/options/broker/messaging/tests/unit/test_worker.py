"""Work beside requests goes on after an error that nobody foresaw."""

import pytest

from {{ cookiecutter.package_name }}.infrastructure.messaging import worker

from ..pauses import Pauses


@pytest.mark.parametrize(
    ("stable_seconds", "failures"),
    [(3600, [1, 2, 3]), (-1, [1, 1, 1])],
    ids=["soon", "after a stable time"],
)
async def test_pauses_grow_only_with_failures_that_follow_soon(
    stable_seconds: float, failures: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = Pauses()
    monkeypatch.setattr(worker, "RESTART", pauses)
    monkeypatch.setattr(worker, "STABLE_SECONDS", stable_seconds)

    async def run() -> None:
        if len(pauses.failures) < 3:
            raise RuntimeError("permission denied")

    await worker._kept_up("relay", run)
    assert pauses.failures == failures
