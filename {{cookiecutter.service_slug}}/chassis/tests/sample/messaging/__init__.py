"""The sample as a service with a command line: its data and messages on any database and broker."""
