"""Files that people send, pictures of signatures, and letters."""

from __future__ import annotations

from .sentences import PartwellError


class FileEmpty(PartwellError):
    """The file "{name}" is empty. Choose it again, or another one."""

    status = 422


class FileTooLarge(PartwellError):
    """The file "{name}" has {size} MB; at most {limit} MB can be taken. Make it smaller or split it."""

    status = 413


class FileTypeRefused(PartwellError):
    """The file "{name}" cannot be taken: it is no PDF, PNG, JPEG, WebP, Word (docx), Excel (xlsx), text or CSV file."""

    status = 422


class FileInfected(PartwellError):
    """The file "{name}" was not taken: the virus scanner found {finding} in it. Choose another file, and tell whoever gave it to you."""

    status = 422


class FileNotScanned(PartwellError):
    """The file "{name}" cannot be checked for viruses now, so it was not taken. Try again in a few minutes."""

    status = 503


class AttachmentRefused(PartwellError):
    """The file "{name}" cannot be attached here: this step takes {kinds} only. Choose another file."""

    status = 422


class SignatureUnusable(PartwellError):
    """The picture "{name}" cannot be taken as a signature: {reason}. Draw it again, or choose another picture."""

    status = 422


class PdfFailed(PartwellError):
    """The PDF could not be made: {reason}. Correct the template or the data, then try again."""
