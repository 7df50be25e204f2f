"""Storage: the port that services work with, and an adapter for each database in the folder of its name."""
