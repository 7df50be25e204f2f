"""The outbox: events that wait to be published, and the relay that publishes them."""
