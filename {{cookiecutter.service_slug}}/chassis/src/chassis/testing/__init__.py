"""Tools for tests: conformance suites for adapters, and faults on demand. Public; nothing at runtime imports it."""
