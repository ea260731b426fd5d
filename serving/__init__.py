"""What a public server needs around the page: routes, middleware, metrics, passwords, sharing.

Nothing here keeps anything between two requests but counts, so any number of
processes can serve the same page (see docs/serving.md).
"""
