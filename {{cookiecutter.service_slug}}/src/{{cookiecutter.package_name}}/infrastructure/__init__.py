"""Adapters of the service, a folder for each aggregate, and the schema of its database."""
