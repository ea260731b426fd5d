"""UserError: what a person did and can mend."""


class UserError(ValueError):
    """Bad input or a setting that can't work: one sentence of what was found, expected and to do.

    It alone becomes an HTTP 4xx answer or a script's exit code 2. Any other exception is a fault
    of this program, whatever its class. `code` names the kind for programs, in snake_case.
    """

    def __init__(self, sentence: str, code: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
