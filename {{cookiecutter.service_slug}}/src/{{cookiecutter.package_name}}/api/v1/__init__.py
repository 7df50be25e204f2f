"""Version 1 of the API. A change that breaks clients goes into a new version beside this one."""
