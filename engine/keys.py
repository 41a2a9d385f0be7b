"""Whether the keys of this machine are those that the database was written with."""

from __future__ import annotations

import sqlalchemy as sa

from .db import Database
from .errors import Conflict, OtherKeys
from .models import Case, KnownKey


def check(database: Database) -> None:
    """Nothing starts with a key file that was lost and made anew, or that another machine does not share.

    Keys that the database does not know yet become known: those of the first start, and new ones after a rotation. Raises
    OtherKeys, and KeyMissing for a database that was written before its keys were kept.
    """
    try:
        _compare(database)
    except Conflict:  # another process made the same keys known at that moment
        _compare(database)


def _compare(database: Database) -> None:
    ours = database.keyring.fingerprints()
    with database.unit() as unit:
        known = {row.id: row.fingerprint for row in unit.connection.execute(sa.select(KnownKey.__table__))}
        if not known:
            sealed = unit.connection.execute(sa.select(Case.state).limit(1)).scalar_one_or_none()
            if sealed is not None:
                database.keyring.cipher_of(sealed)
        for key, fingerprint in known.items():
            if ours.get(key) != fingerprint:
                raise OtherKeys(path=database.keyring.path, key=key)
        for key in ours.keys() - known.keys():
            unit.add(KnownKey, id=key, fingerprint=ours[key])
        unit.commit()
