"""UserError: a mistake that the user can correct."""


class UserError(ValueError):
    """Bad input or settings: one sentence says what was found, what was expected, what to do.

    `code` names the kind of error for programs, in snake_case. Any other exception is a bug.
    """

    def __init__(self, sentence: str, code: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
