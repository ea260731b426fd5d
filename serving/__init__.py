"""The server of the page: routes, access, limits, metrics, sharing."""
