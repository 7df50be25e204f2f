"""How {{ cookiecutter.__nouns }} are stored and published."""
