"""What a service needs where it is not local, besides its database: here the address of a broker that is away."""

ELSEWHERE = {"ENVIRONMENT": "dev", "BROKER_URL": "nats://127.0.0.1:1"}
