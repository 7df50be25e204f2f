"""Adapters: what the domain's ports look like on real technology."""
