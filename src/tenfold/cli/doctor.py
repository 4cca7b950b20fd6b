"""`tenfold doctor`: what is here, what is missing, and the line that adds it."""


def doctor() -> int:
    """Say what works here and what is missing."""
    return 0
