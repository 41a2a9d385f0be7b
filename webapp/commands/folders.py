"""Commands about folders of procedures: deploy one, pull what changed in Partwell into one."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from engine import checks, deploying, procedures
from engine.errors import ChangedInside, NotDeployable, PartwellError, ScenariosFailed
from engine.studio import exchange
from engine.studio.gate import in_silence

from .. import FORMS, folder, i18n
from ..exchanging import Exchange, Here, Server, ServerRefused
from ..folder import Place, State
from ..i18n import N_, gettext
from . import OUT, WRONG, partwell, services_of
from .console import say, say_progress
from .procedures import say_findings, teller


def _place(context: click.Context, address: str, token: str) -> Exchange:
    """Raises UsageError for a server without a token."""
    if not address:
        return Here(services_of(context))
    if not token:
        raise click.UsageError(gettext("Give the server's token with --token or in PARTWELL_TOKEN."))
    return Server(address, token)


@partwell.command()
@click.argument("procedure")
@click.argument("target", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path))
@click.option("--from", "address", default="", metavar="URL", help="Server it is pulled from; default: the database of this machine.")
@click.option("--token", default="", envvar="PARTWELL_TOKEN", help="Token with the scope read:procedures (PARTWELL_TOKEN).")
@click.option("--draft", is_flag=True, help="Its draft, where there is one, instead of the active version.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def pull(context: click.Context, procedure: str, target: Path, address: str, token: str, draft: bool, as_json: bool) -> int:
    """Bring the files of a procedure into a folder, such as one in git.

    Into a folder that was pulled before only what changed since is brought; what was changed in the folder stays.

    Where both sides changed a file, theirs is put beside it as <file>.theirs, and the exit code is 1.
    """
    place = _place(context, address, token)
    done = folder.pull(target, place.inside(procedure, draft=draft), place.address)
    if as_json:
        told = {name: list(getattr(done, name)) for name in ("written", "removed", "kept", "both")}
        click.echo(json.dumps({"version": done.inside.version, "draft": done.inside.draft, **told}, ensure_ascii=False, indent=2))
        return WRONG if done.both else OUT
    for sign, paths in (("+", done.written), ("-", done.removed), ("=", done.kept)):
        for path in paths:
            click.echo(f"  {sign} {path}")
    for path in done.both:
        say(N_("  ! %(file)s: changed on both sides; theirs is %(theirs)s"), file=path, theirs=path + folder.THEIRS)
    if done.both:
        say(N_("Put what is right into each of these files, remove the one beside it, then deploy."), err=True)
        return WRONG
    if done.inside.draft is not None:
        say(N_("%(procedure)s: the draft is in %(folder)s"), procedure=procedure, folder=target)
    else:
        say(N_("%(procedure)s: version %(number)s is in %(folder)s"), procedure=procedure, number=done.inside.version or 0, folder=target)
    return OUT


@partwell.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--procedure", help="Its name; default: the folder's.")
@click.option("--to", "address", default="", metavar="URL", help="Server it is deployed to; default: the database of this machine.")
@click.option(
    "--token", default="", envvar="PARTWELL_TOKEN", help="Token with the scopes write:procedures and read:procedures (PARTWELL_TOKEN)."
)
@click.option("--draft", is_flag=True, help="Put what changed into the draft, to be looked at and published in the browser.")
@click.option("--note", default="", help="What changes and why; kept with the version. A server needs it.")
@click.option("--override", default="", metavar="REASON", help="Why it is deployed although scenarios fail.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def deploy(context: click.Context, path: Path, procedure: str | None, address: str, token: str, draft: bool, **said: Any) -> int:
    """Make the files of a folder the version on which new cases start; running cases stay on theirs.

    Refused while a scenario of the folder fails, unless it is said why.

    Refused, too, where others changed a file since the folder was pulled: pull again, nothing is overwritten.
    """
    note, override, as_json = said["note"], said["override"], said["as_json"]
    at = path if path.is_dir() else path.parent
    known = folder.state(at)
    folder.must_be_decided(at)
    place = _place(context, address, token)
    if address and not note.strip():
        raise click.UsageError(gettext("Say with --note what changes and why."))
    name = procedure or (known.procedure if known else at.resolve().name)
    files = procedures.gather(path, FORMS)
    base = known.at(place.address).base if known and known.procedure == name else {} if address or draft else None
    findings: list[dict[str, Any]] = []
    try:
        if draft:
            return _into_draft(place, at, known, name, files, base or {}, note, as_json)
        if isinstance(place, Here):
            note = " ".join(filter(None, (note.strip(), _played(place, files, name, override, as_json, findings))))
        progress = in_silence if as_json else say_progress
        done = place.deploy(name, files, base=base, note=note, override=override, played=not address, told=progress)
    except (NotDeployable, ScenariosFailed, ServerRefused, ChangedInside) as error:
        return _refused(error, findings, as_json)
    if known is not None or address:
        state = known if known and known.procedure == name else State(procedure=name)
        folder.keep(at, state.with_place(place.address, Place(version=done.number, files=done.digests)))
    answer = {"deployed": True, "procedure": name, "version": done.number, "new": done.new, "findings": findings}
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        say_findings(findings)
        told = N_("%(procedure)s: version %(number)s is active") if done.new else N_("%(procedure)s: version %(number)s was active already")
        say(told, procedure=name, number=done.number)
    return OUT


def _played(place: Here, files: Mapping[str, bytes], name: str, override: str, as_json: bool, findings: list[dict[str, Any]]) -> str:
    """What the check and the scenarios say goes into `findings`; gives what is noted of scenarios that fail. Raises ScenariosFailed."""
    from .. import scenario_results

    tell = teller(as_json)
    found = [(file, one) for file, own in checks.findings(place.services, files).items() for one in own]
    findings += [{"file": file, **one.as_dict(), "message": tell(one)} for file, one in found]
    if any(one.severity == "error" for _, one in found):
        return ""  # deploying says so
    if deploying.is_active(place.services, deploying.deployable(place.services, files, procedure=name), procedure=name):
        return ""  # nothing is deployed
    failing = scenario_results.failing(place.services, files, name, told=in_silence if as_json else say_progress)
    findings += [finding for outcome in failing for finding in scenario_results.findings(outcome, str if as_json else i18n.sentence)]
    names = [outcome.name for outcome in failing]
    if failing and not override.strip():
        raise ScenariosFailed(names=names)
    return f"{override.strip()} ({gettext('Although scenarios fail: %(names)s', names=', '.join(names))})" if failing else ""


def _into_draft(
    place: Exchange, at: Path, known: State | None, name: str, files: Mapping[str, bytes], base: exchange.Base, note: str, as_json: bool
) -> int:
    revision, changed = place.put(name, files, base=base, note=note)
    state = known if known and known.procedure == name else State(procedure=name)
    # what the draft holds besides was seen already, or it would have refused
    kept = dataclasses.replace(state.at(place.address), draft=exchange.digests(files))
    folder.keep(at, state.with_place(place.address, kept))
    if as_json:
        click.echo(json.dumps({"deployed": False, "procedure": name, "draft": revision, "changed": changed}, ensure_ascii=False))
        return OUT
    for path in changed:
        click.echo(f"  {path}")
    told = N_("%(procedure)s: %(number)s files went into the draft") if changed else N_("%(procedure)s: the draft holds all of it already")
    say(told, procedure=name, number=len(changed))
    return OUT


def _refused(error: PartwellError, findings: list[dict[str, Any]], as_json: bool) -> int:
    """Say why nothing was deployed."""
    findings = error.findings if isinstance(error, ServerRefused) else findings
    if as_json:
        answer: dict[str, Any] = {"deployed": False, "code": error.code, "findings": findings}
        if isinstance(error, ChangedInside):
            answer |= {"theirs": error.theirs, "both": error.both}
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return WRONG
    click.echo(i18n.error_text(error), err=True)
    if isinstance(error, ChangedInside):
        for path in error.theirs:
            say(N_("  %(file)s: changed there"), file=path, err=True)
        for path in error.both:
            say(N_("  %(file)s: changed on both sides"), file=path, err=True)
    say_findings(findings, err=True)
    return WRONG
