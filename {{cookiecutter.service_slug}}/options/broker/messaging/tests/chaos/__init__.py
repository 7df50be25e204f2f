"""The service as processes, under load, while they are killed and the broker goes away: nothing may get lost."""
