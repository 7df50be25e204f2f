"""The messages of the sample."""
