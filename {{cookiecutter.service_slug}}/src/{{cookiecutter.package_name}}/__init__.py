"""The service's package; `bootstrap` shows how its parts fit together."""
