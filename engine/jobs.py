"""Jobs: claim what is due, run it outside any transaction, bring the result into the case.

A job is leased, not locked: the lease is renewed while the call runs, a worker that dies loses it and another takes over. A
result is applied only while the lease is still the worker's, so a late one changes nothing. Outside calls are therefore
at-least-once, with one key each.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from . import announcing, asking, claims, documents, dues, messages, observe, projecting, snapshots
from .db import Statement, Unit
from .deferral import FINISH, give_back, put_off, request_purpose
from .errors import Conflict, DatabaseAway, GaveUp, NeedsPerson, OperationFailed, PartwellError, SettingWrong, TryAgain
from .leases import Leases
from .ledger import Event
from .locking import LOCK
from .models import OUTLIVING, Case, Job, JobAttempt, new_id
from .notices import sending
from .ports import Answer, Call
from .settings import Limit
from .stopping import PutDown, stopped_by
from .studio import publications, scheduling
from .turn import Turn
from .work import asked, overdue

if TYPE_CHECKING:
    from .services import Services

log = logging.getLogger(__name__)

#: bytes of JSON above which a value becomes a snapshot and the variable holds its reference
LARGEST_VALUE = 16 * 1024
#: bytes of JSON that an answer may have
LARGEST_ANSWER = 16 * 1024 * 1024

#: seconds until what a call came to is tried to be written again
_BREATH = 0.2

_NUMBER = Statement(sa.select(Case.number).where(Case.id == sa.bindparam("case_id")))
#: a job as it is now, with its attempts so far, those before somebody renewed it included
_NOW = Statement(
    sa.select(
        Job.state,
        Job.lease,
        Job.instance,
        sa.select(sa.func.coalesce(sa.func.max(JobAttempt.number), 0)).where(JobAttempt.job_id == Job.id).scalar_subquery().label("tried"),
    ).where(Job.id == sa.bindparam("job_id"))
)


def limits_of(services: Services) -> dict[str, Limit]:
    """The limits of each operation that has some. Raises SettingWrong for one that no connector offers."""
    given = services.settings.operations
    offered = services.operations.keys()
    for operation in given.keys() - {"*"} - offered:
        known = ", ".join(sorted(offered)) or "none"
        raise SettingWrong(setting=f'operations."{operation}"', reason=f"no connector offers this operation; offered are: {known}")
    found = {operation: given.get(operation, given.get("*", Limit())) for operation in offered}
    return {operation: limit for operation, limit in found.items() if limit != Limit()}


class Runner:
    """Runs due jobs. Several of them, in any number of processes, share the table without getting in each other's way.

    Raises SettingWrong for limits of an operation that no connector offers.
    """

    def __init__(self, services: Services, *, name: str, seal: Callable[[str], None]) -> None:
        self._services = services
        self._name = name[:32]
        self._seal = seal
        self._limits = limits_of(services)
        self._pool = ThreadPoolExecutor(services.settings.job_threads, thread_name_prefix="job")
        self._leases = Leases(services)
        self._closing = threading.Event()
        #: with which what is long stops when this closes
        self._playing = stopped_by(services, self._must_go_on)
        #: when it last looked for due jobs
        self.looked: dt.datetime | None = None

    def run_due(self, limit: int = 50) -> int:
        """Run what is due now, at most `limit`, and wait for its end; gives how many jobs that were."""
        begun = self.begin_due(limit)
        wait(begun)
        return len(begun)

    def begin_due(self, limit: int) -> Sequence[Future[None]]:
        """Begin what is due now, at most `limit`, and do not wait. One cheap look before anything is claimed."""
        return [self._pool.submit(self._run, job) for job in self._claim(limit)]

    def renew(self) -> None:
        """Hold on to what still runs; done by itself as long as something does."""
        self._leases.renew()

    def hurry(self) -> None:
        """Take nothing more. What is long and can be begun anew is put down, for whoever takes it up next."""
        self._closing.set()

    def close(self) -> None:
        """Wait for what is running, take nothing more."""
        self.hurry()
        self._pool.shutdown(wait=True)
        self._leases.close()

    def _must_go_on(self) -> None:
        if self._closing.is_set():
            raise PutDown

    def _claim(self, limit: int) -> Sequence[Any]:
        if self._closing.is_set():
            return []
        now = self._services.clock.now()
        before = self.looked or now
        lease, until = new_id(), now + self._leases.span
        with self._services.database.reading() as connection:
            seen = claims.look(connection, now)
        self.looked = now
        observe.LOOKED.set_to_current_time()
        if not seen and before <= now:
            return []
        with self._services.database.unit() as unit:
            if before > now:
                seen = claims.clock_was_set_back(unit, before=before, now=now, until=until)
            rows = claims.claim(unit, seen, now=now, until=until, lease=lease, limit=limit, limits=self._limits)
            unit.commit()
        self._leases.hold(rows)
        return rows

    def _run(self, job: Any) -> None:
        began = time.perf_counter()
        with observe.within("job", job=job.id, case=job.case_id, kind=job.kind, operation=job.operation):
            self._run_one(job)
            log.info("job ended after %.1f ms", (time.perf_counter() - began) * 1000)
        observe.JOBS.labels(job.kind, job.operation).observe(time.perf_counter() - began)

    def _run_one(self, job: Any) -> None:
        started = self._services.clock.now()
        observe.JOB_LAG.labels(job.kind).observe(max((started - job.due_at).total_seconds(), 0))
        self._leases.begins(job)
        try:
            try:
                if job.attempts > job.max_attempts:
                    reason = f"the worker stopped while it ran: {job.attempts - 1}"
                    raise NeedsPerson(system="partwell", operation=job.operation or job.kind, reason=reason)
                match job.kind:
                    case "operation" | asking.KIND:
                        _run_operation(self._services, job, started)
                    case "timer":
                        _fire(self._services, job)
                    case dues.KIND:
                        _ring(self._services, job)
                    case "message":
                        _send(self._services, job)
                        self._leases.ended(job)
                    case "signal":
                        _signal(self._services, job)
                    case "seal":
                        self._run_seal(job, started)
                    case "notice":
                        sending.send(self._services, job, started)
                    case announcing.KIND:
                        announcing.send(self._services, job, started)
                    case "project":
                        projecting.run(self._services, job, started)
                    case scheduling.KIND:
                        scheduling.activate(self._playing, job)
                    case publications.KIND:
                        publications.carry_out(self._playing, job)
            except PutDown:
                give_back(self._services, job, started)
            except DatabaseAway:  # no fault of the job's: it is taken again when its lease is over
                raise
            except PartwellError as error:
                own = {
                    "notice": sending.failed,
                    announcing.KIND: announcing.failed,
                    "project": projecting.failed,
                    scheduling.KIND: scheduling.failed,
                    publications.KIND: publications.failed,
                }
                failed = own.get(job.kind, _failed)
                failed(self._services, job, started, error)
        except Exception:
            # The lease runs out and the job is taken again, up to its attempts: nothing is lost, and the log says why.
            log.exception("job %s (%s %s) of case %s could not be finished", job.id, job.kind, job.operation, job.case_id)
        finally:
            self._leases.let_go(job)
            if job.operation in self._limits:  # there may be room for the next one now
                self._services.carrier.ring(None)

    def _run_seal(self, job: Any, started: dt.datetime) -> None:
        """A case that cannot be sealed (a tampered ledger, a fault in a letter) becomes an incident of the closed case."""
        try:
            self._seal(job.case_id)
        except PartwellError as error:
            failure = TryAgain if job.attempts < job.max_attempts else NeedsPerson
            _failed(self._services, job, started, failure(system="partwell", operation="seal", reason=error.message))
        else:
            self._leases.ended(job)


def _run_operation(services: Services, job: Any, started: dt.datetime) -> None:
    request = services.keyring.unseal_json(job.request, request_purpose(job.id))
    operation = services.operations.get(job.operation)
    try:
        if operation is None:
            raise NeedsPerson(system="partwell", operation=job.operation, reason="no connector offers it any more")
        [[case]] = services.database.together((_NUMBER, {"case_id": job.case_id}))
        with services.database.reading() as connection:
            given = snapshots.resolved(services, connection, job.case_id, request["input"])
        call = Call(
            operation=job.operation,
            key=job.key,
            input=given,
            headers=request["headers"],
            case=case.number,
            attempt=job.attempts,
            now=started,
        )
        answer = operation.call(call)
        _must_be_json(job, answer)
    except DatabaseAway:
        raise
    except OperationFailed as error:
        _written(services, _failed, job, started, error)
    except Exception as error:  # a fault in a connector must not stop the case silently
        log.exception("operation %s of case %s", job.operation, job.case_id)
        reason = f"the connector has a fault of its own: {type(error).__name__} {error}"
        _written(services, _failed, job, started, NeedsPerson(system="partwell", operation=job.operation, reason=reason))
    else:
        _written(services, _answered, job, started, answer)


def _written(services: Services, write: Callable[..., None], job: Any, started: dt.datetime, came: Answer | PartwellError) -> None:
    """What a call came to must not be lost, and made once more, because the database is away or busy for a moment.

    It is written again and again for half a lease, in which no other worker makes the call; whether an attempt took effect that
    seemed to fail is seen from the job. Raises DatabaseAway after that.
    """
    until = time.monotonic() + services.settings.job_lease / 2
    while True:
        try:
            return write(services, job, started, came)
        except DatabaseAway:
            if time.monotonic() > until:
                raise
            log.warning("the outcome of job %s (%s) cannot be written now; that is tried again", job.id, job.operation)
            time.sleep(_BREATH)


def _must_be_json(job: Any, answer: Answer) -> None:
    """Raises NeedsPerson for a value that cannot be kept: tried again, it would be the same."""
    try:
        size = len(orjson.dumps(answer.value))
    except (TypeError, ValueError) as error:
        reason = f"its answer is no JSON that can be kept: {error}"
        raise NeedsPerson(system="partwell", operation=job.operation, reason=reason) from error
    if size > LARGEST_ANSWER:
        reason = f"its answer is too large to be kept: {size} bytes"
        raise NeedsPerson(system="partwell", operation=job.operation, reason=reason)


def _answered(services: Services, job: Any, started: dt.datetime, answer: Answer) -> None:
    with services.database.unit() as unit:
        turn, row = _turn_of(services, unit, job)
        if turn is None:
            return
        _attempt(turn, job, row.tried + 1, started, "done", "")
        for exchange in answer.exchanges:
            content = exchange.answer.encode()
            snapshots.store(turn, job, "exchange", exchange.system, content, exchange.media_type, exchange.status, exchange.request)
        if job.kind == asking.KIND:
            turn.unit.write(FINISH, job_id=job.id, new_state="done", at=turn.now)
            asked.answered(turn, job, answer.value)
            turn.seal_again()
            turn.commit()
            return
        value = documents.store_made(turn, answer, element=job.element)
        whole = orjson.dumps(value)
        if len(whole) > LARGEST_VALUE:
            value = {"$snapshot": snapshots.store(turn, job, "value", "partwell", whole, "application/json", "", None)}
        turn.unit.write(FINISH, job_id=job.id, new_state="done", at=turn.now)
        facts = {"operation": job.operation, "attempts": job.attempts, "key": job.key}
        if row.state == "dropped":
            turn.record(Event.OPERATION_DONE, element=job.element, instance=job.instance, value=value, late=True, **facts)
        else:
            turn.act(Event.OPERATION_DONE, "answer", element=job.element, instance=job.instance, value=value, also=facts)
        turn.seal_again()
        turn.commit()


def _failed(services: Services, job: Any, started: dt.datetime, error: PartwellError) -> None:
    """The call failed, or the case could not take its answer: another attempt, an error boundary event that catches it, or an incident.

    What such an event catches by its code is the error's: `refused`, `needs_person` or `gave_up`; without a code it catches each.
    """
    reason = str(error.facts["reason"] if isinstance(error, OperationFailed) else error.message)
    with services.database.unit() as unit:
        turn, row = _turn_of(services, unit, job)
        if turn is None:
            return
        _attempt(turn, job, row.tried + 1, started, error.code, reason)
        if isinstance(error, OperationFailed) and error.answer is not None:
            snapshots.store(turn, job, "exchange", error.facts["system"], error.answer.encode(), "text/plain", error.code, None)
        if job.kind not in ("timer", dues.KIND):
            facts = {"operation": job.operation, "attempt": job.attempts, "code": error.code, "reason": reason}
            turn.record(Event.OPERATION_FAILED, element=job.element, **facts)
        if row.state == "dropped":
            turn.seal_again()
        elif not put_off(services, turn.unit, job, error, turn.now):
            if job.kind == asking.KIND and isinstance(error, OperationFailed):  # nobody need look: the step opens by its next rule
                turn.unit.write(FINISH, job_id=job.id, new_state="dropped", at=turn.now)
                asked.failed(turn, job)
                turn.commit()
                return
            turn.unit.write(FINISH, job_id=job.id, new_state="failed", at=turn.now)
            last = GaveUp(**error.facts) if isinstance(error, TryAgain) else error
            facts = {"instance": job.instance, "code": last.code, "message": reason}
            catchable = isinstance(error, OperationFailed) and job.kind == "operation"
            if not (catchable and turn.act(Event.ERROR_CAUGHT, "error", element=job.element, **facts)):
                turn.incident(job.element, job.instance, last, job_id=job.id)
        turn.commit()


def _fire(services: Services, job: Any) -> None:
    with services.database.unit() as unit:
        turn, _ = _turn_of(services, unit, job)
        if turn is None:
            return
        turn.unit.write(FINISH, job_id=job.id, new_state="done", at=turn.now)
        facts = {"due": job.due_at.isoformat(timespec="seconds")}
        turn.act(Event.TIMER_FIRED, "fire", element=job.element, instance=job.instance, also=facts)
        turn.commit()


def _ring(services: Services, job: Any) -> None:
    with services.database.unit() as unit:
        turn, _ = _turn_of(services, unit, job)
        if turn is None:
            return
        turn.unit.write(FINISH, job_id=job.id, new_state="done", at=turn.now)
        overdue.ring(turn, job)
        turn.commit()


def _send(services: Services, job: Any) -> None:
    """A message that a case threw goes to its receiver; the job's own id tells a second attempt from a second message."""
    payload = services.keyring.unseal_json(job.request, request_purpose(job.id))
    try:
        messages.send(services, name=payload["name"], key=payload["key"], values=payload["values"], actor=None, request_id=f"job:{job.id}")
    except Conflict as error:  # others were quicker each time it looked
        raise TryAgain(system="partwell", operation="message", reason=error.message) from error


def _signal(services: Services, job: Any) -> None:
    payload = services.keyring.unseal_json(job.request, request_purpose(job.id))
    with services.database.unit() as unit:
        turn, row = _turn_of(services, unit, job)
        if turn is None:
            return
        turn.unit.write(FINISH, job_id=job.id, new_state="done", at=turn.now)
        # its instance may have begun anew since the job was claimed
        if any(instance == row.instance for instance, _ in turn.execution.waiting()):
            turn.deliver(row.instance, Event.SIGNAL_RECEIVED, payload["name"], payload["values"])
        turn.commit()


def _turn_of(services: Services, unit: Unit, job: Any) -> tuple[Turn | None, Any]:
    """The case's turn, and the job as it is under the case's lock, in one round trip.

    No turn if the lease is not ours any more or the case does not take it; a result that comes too late is dropped with a log line.
    What came of a call whose element was left, or whose case ended, while it was made is kept, though nothing follows from it.

    A suspended case, or one on a suspended version, takes the answer of a call that was under way, but no timer fires and no signal
    arrives.
    """
    [case], [row] = unit.together((LOCK, {"case_id": job.case_id}), (_NOW, {"job_id": job.id}))
    if row.state == "dropped" and row.lease == job.lease and job.kind in asking.CALLS:
        return Turn(services, unit, case, actor=None), row
    if row.state != "leased" or row.lease != job.lease or (case.status == "closed" and job.kind not in OUTLIVING):
        log.warning("result of job %s (%s) came after its lease was lost; it is not applied", job.id, job.operation or job.kind)
        return None, row
    if (case.status == "suspended" or case.on_hold) and job.kind in ("timer", "signal", dues.KIND):
        return None, row
    return Turn(services, unit, case, actor=None), row


def _attempt(turn: Turn, job: Any, number: int, started: dt.datetime, result: str, reason: str) -> None:
    turn.unit.after_commit(observe.ATTEMPTS.labels(job.kind, job.operation, result).inc)
    turn.unit.add(
        JobAttempt,
        job_id=job.id,
        number=number,
        case_id=job.case_id,
        started_at=started,
        ended_at=turn.now,
        result=result,
        reason=reason.replace("\0", "")[:2000],
    )
