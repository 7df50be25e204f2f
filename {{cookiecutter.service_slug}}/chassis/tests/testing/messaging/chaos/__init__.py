"""The parts of chaos runs, without a server."""
