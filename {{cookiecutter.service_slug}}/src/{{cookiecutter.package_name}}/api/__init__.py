"""HTTP in: versioned routers, problem details, middleware, operations endpoints. Knows only the domain."""
