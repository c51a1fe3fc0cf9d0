"""Why what a person filled in can not be taken, and in which field it stands."""

from __future__ import annotations


class FieldError(ValueError):
    """A refusal that is about one field; ``field`` is the key of the command that holds it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def field_of(error: Exception) -> str:
    """Return the field that ``error`` is about; empty where it is about the whole."""
    return error.field if isinstance(error, FieldError) else ""
