"""HTTP: routes and the models of their requests and responses. Knows the domain only."""
