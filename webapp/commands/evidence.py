"""Commands about evidence: verify a sealed file."""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine.errors import BundleInvalid

from .. import i18n
from ..i18n import N_
from . import OUT, WRONG, partwell
from .console import say


@partwell.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", help="Fingerprint of the key that must have signed it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(file: Path, key: str | None, as_json: bool) -> int:
    """Check a sealed file: signature, every digest, and the ledger from its entries up. Needs no database."""
    from engine import bundle

    try:
        found = bundle.verify(file, key=key)
    except BundleInvalid as error:
        with file.open("rb") as opened:
            if opened.read(2) != b"PK":
                raise  # it never was a sealed file
        found = bundle.Verification(faults=[bundle.Fault(error.template, error.facts)])
    if as_json:
        told = {"ok": found.ok, "case": found.case, "outcome": found.outcome, "sealed_at": found.sealed_at, "files": found.files}
        told |= {"entries": found.entries, "key": found.key, "faults": [fault.message for fault in found.faults]}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        verdict = (
            N_("%(file)s: valid; case %(case)s, %(files)s files, %(entries)s ledger entries, key %(key)s")
            if found.ok
            else N_("%(file)s: NOT valid; case %(case)s, %(files)s files, %(entries)s ledger entries, key %(key)s")
        )
        say(verdict, file=file, case=found.case or "?", files=found.files, entries=found.entries, key=found.key or "?")
        for fault in found.faults:
            click.echo(f"  {i18n.fill(fault.template, fault.facts)}")
    return OUT if found.ok else WRONG
