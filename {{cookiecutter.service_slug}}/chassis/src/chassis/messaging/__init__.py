"""Events between services: contracts, outbox, inbox, dead letters, and an adapter for each broker."""
