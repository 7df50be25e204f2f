"""HTTP: server, request limits, problem documents, preconditions, idempotency, paging, operations endpoints."""
