"""UserError: what a person did and can mend."""


class UserError(ValueError):
    """Bad input or settings: one sentence of what was found, what was expected and what to do.

    It alone becomes an HTTP 4xx answer or a script's exit code 2; any other exception is a bug.
    `code` names the kind for programs, in snake_case.
    """

    def __init__(self, sentence: str, code: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
