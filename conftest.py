"""The closing table belongs to every tier, so it is loaded above them."""

pytest_plugins = ["tests.report"]
