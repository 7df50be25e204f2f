"""The service's own code; what all services share is the library in `chassis/`."""
