"""Forms: what the form-js editor saves (`*.form`) is checked and prepared for the page here, in Python alone."""

from .checker import FormChecker
from .posted import ABSENT, draft, parse, uploads, with_row, without_row
from .schema import fields, fits, without_hidden
from .view import FieldView, OptionView, RowView, field_id

__all__ = [
    "ABSENT",
    "FieldView",
    "FormChecker",
    "OptionView",
    "RowView",
    "draft",
    "field_id",
    "fields",
    "fits",
    "parse",
    "uploads",
    "with_row",
    "without_hidden",
    "without_row",
]
