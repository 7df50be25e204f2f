"""What other services build on: event types, their schemas, the envelope, and documents made from them."""
