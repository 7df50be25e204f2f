"""Logs, metrics and spans. Spans use OpenTelemetry's API only: without an SDK they cost next to nothing."""
