"""Version 1 of the API. A change that breaks a client goes to a new version beside this one."""
