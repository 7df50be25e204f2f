"""Brokers of the sample, each in the folder of its name."""
