"""What the business knows: the aggregate, its events and use cases. Imports nothing but the standard library."""
