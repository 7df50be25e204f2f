"""The aggregates: they import the standard library and `chassis.domain`."""
