"""What a service needs where it is not local, besides its database."""

ELSEWHERE = {"ENVIRONMENT": "dev"}
