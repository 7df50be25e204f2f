"""The sample as processes, under load, while it is killed and its broker and database fail: nothing may get lost."""
