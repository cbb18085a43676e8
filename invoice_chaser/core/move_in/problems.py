"""What stands against a file or a value, as a code with details. The words for people
are in ``models/move_in/chaser_import_words.py``."""


class FileProblem(Exception):
    """The file as a whole cannot be taken. ``params`` name the place: ``row`` (as a
    spreadsheet counts, the header is row 1), ``column``, ``detail``, ``limit``."""

    def __init__(self, code: str, **params: object):
        super().__init__(code, params)
        self.code, self.params = code, params


class ValueProblem(Exception):
    """One value cannot be read; its record is refused, the others are not."""

    def __init__(self, code: str, **params: object):
        super().__init__(code, params)
        self.code, self.params = code, params
