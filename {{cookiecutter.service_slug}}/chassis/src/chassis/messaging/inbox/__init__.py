"""The inbox: consumes messages so that each has its effect exactly once."""
