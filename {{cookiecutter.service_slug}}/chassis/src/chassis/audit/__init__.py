"""The audit log: who did what to which entity, when, from where, and with which outcome; refusals included."""
