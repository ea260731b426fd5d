"""What a public server needs around the page: routes, middleware, metrics, passwords, sharing."""
