"""The aggregate {{ cookiecutter.__Entity }}."""
