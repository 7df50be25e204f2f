"""Adapters of the sample: data and messages on each database, in the folder of its name."""
