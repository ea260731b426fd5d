"""What a public server needs around the page: doors, a gate before them, counts, and sharing.

Nothing here keeps anything between two requests but counts, so any number of
processes can serve the same page (see docs/serving.md).
"""
