"""A microservice chassis: what every service has in common, and nothing about what any of them is for."""
