"""Tools for tests: conformance suites for adapters, and faults on demand. Public; nothing at runtime imports it."""

import pytest

# Before they are imported: failed assertions of these modules then show their values, as those of a test module do.
pytest.register_assert_rewrite(*(f"{__name__}.{name}" for name in ("backups", "database", "histories", "http")))
