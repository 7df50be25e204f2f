"""How {{ cookiecutter.__nouns }} are stored{{ " and published" if cookiecutter.broker != "none" }}."""
