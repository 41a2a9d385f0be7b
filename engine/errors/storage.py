"""Configuration, keys, the database, and what is stored in it or sealed from it."""

from __future__ import annotations

from .sentences import PartwellError


class SettingWrong(PartwellError):
    """The setting {setting} is wrong: {reason}."""


class KeyMissing(PartwellError):
    """The key "{key}" is needed to read this record and is not in the key file {path}. Restore it from the backup of the keys."""


class OtherKeys(PartwellError):
    """The key file {path} is not the one that this database was written with (key "{key}"). Copy the key file from a machine
    that works, or restore it from the backup of the keys; nothing was changed."""


class SealBroken(PartwellError):
    """The stored value {purpose} was altered or belongs to another record. Restore it from a backup; it is not used."""


class ReplayStopped(PartwellError):
    """The case cannot be rebuilt past entry {entry} of its ledger: {reason}"""


class StateUnreadable(PartwellError):
    """The stored state of case {case} cannot be read: {reason}. Restore the database from a backup; nothing was changed."""


class DatabaseAway(PartwellError):
    """The database did not answer just now. Please send this again in a moment; what was already stored is not done twice."""

    status = 503


class ServerBusy(PartwellError):
    """The server is busy with work that takes longer. Nothing was changed and nothing is lost: please try again in a moment."""

    status = 503


class DiskFull(PartwellError):
    """The database has no room left, so nothing was stored. Make room on its disk, then send this again."""

    status = 507


class BundleInvalid(PartwellError):
    """The file {file} is not a sealed file of Partwell: {reason}."""

    status = 422
