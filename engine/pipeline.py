"""Several prepared statements in one round trip to PostgreSQL.

The statements of a unit are few and always the same, so each is prepared once on each connection, and all go through libpq's
pipeline mode in one write; psycopg's own cursors would spend more time on a statement than the server does. What travels
together is executed in order, and each statement sees what was committed before it began: a row that the first one locked is
read by the second as its last owner left it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from psycopg import Connection, OperationalError
from psycopg.abc import Buffer, PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import InFailedSqlTransaction, error_from_result
from psycopg.generators import fetch_many, send
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

#: statements prepared on one connection; rarer ones are sent as they are
_PREPARED = 200
_FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED)


class Pipeline:
    """What is known of one connection, as long as it lives."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._wire = connection.pgconn
        self._transformer = Transformer(connection)
        self._names: dict[str, bytes] = {}

    def exchange(self, statements: Sequence[tuple[str, Sequence[Any]]], *, commit: bool = False) -> list[list[tuple[Any, ...]]]:
        """The rows of each statement, in the transaction that is open or else begins here; `commit` ends it.

        A statement is its text with `$1`, `$2` … and a value for each. Raises the first error, one of psycopg's; the
        transaction is then of no more use. The server answers the COMMIT of one that had failed before as if all were well.
        """
        # before anything is on its way: a value that cannot be sent, such as a text with a zero byte, then costs no connection
        dumped = [self._dumped(values) for _, values in statements]
        #: what each answer is to: nothing we look at, the preparation of a text, or a statement
        sent: list[tuple[str, str]] = []
        with self._pipeline_mode():
            if self._wire.transaction_status == TransactionStatus.IDLE:
                self._wire.send_query_params(b"BEGIN", None)
                sent.append(("", ""))
            coming: dict[str, bytes] = {}
            for (text, _), values in zip(statements, dumped, strict=True):
                name = self._names.get(text) or coming.get(text)
                if name is None and len(self._names) + len(coming) < _PREPARED:
                    name = coming[text] = b"partwell_%d" % (len(self._names) + len(coming))
                    self._wire.send_prepare(name, text.encode())
                    sent.append(("preparation", text))
                self._send(name, text, *values)
                sent.append(("statement", text))
            if commit:
                self._wire.send_query_params(b"COMMIT", None)
                sent.append(("", ""))
            self._wire.pipeline_sync()
            answers = self._connection.wait(self._answers(len(sent)))
        rows = []
        failure: Exception | None = None
        for (kind, text), answer in zip(sent, answers, strict=True):
            if answer.status in _FAILED:
                failure = failure or error_from_result(answer, self._wire._encoding)
            elif kind == "preparation":
                self._names[text] = coming[text]
            elif kind == "statement":
                self._transformer.set_pgresult(answer)
                rows.append(self._transformer.load_rows(0, answer.ntuples, tuple) if answer.ntuples else [])
        if failure is not None:
            raise failure
        if commit and answers[-1].command_status == b"ROLLBACK":
            raise InFailedSqlTransaction("the transaction had failed before, so nothing of it was committed")
        return rows

    def _dumped(self, values: Sequence[Any]) -> tuple[Sequence[Buffer | None], Sequence[Format]]:
        """Values as they travel, and the form of each: as text it fits whatever type the server took it for; bytes are sent as they are."""
        forms = [PyFormat.BINARY if isinstance(value, bytes) else PyFormat.TEXT for value in values]
        dumped = self._transformer.dump_sequence(values, forms)
        return dumped, self._transformer.formats or ()

    def _send(self, name: bytes | None, text: str, values: Sequence[Buffer | None], formats: Sequence[Format]) -> None:
        if name is None:
            self._wire.send_query_params(text.encode(), values, param_formats=formats, result_format=Format.BINARY)
        else:
            self._wire.send_query_prepared(name, values, param_formats=formats, result_format=Format.BINARY)

    def _answers(self, count: int) -> PQGen[list[PGresult]]:
        """Those to `count` messages, once all are sent; the one to the synchronisation comes last."""
        answers: list[PGresult] = []
        yield from send(self._wire)  # more than the socket takes at once goes out while answers come in
        for _ in range(count + 1):
            results = yield from fetch_many(self._wire)
            if not results:
                raise OperationalError("the server closed the connection")
            answers.append(results[-1])
        return answers[:-1]

    @contextlib.contextmanager
    def _pipeline_mode(self) -> Iterator[None]:
        self._wire.enter_pipeline_mode()
        try:
            yield
        finally:
            if self._wire.status != ConnStatus.BAD:
                self._wire.exit_pipeline_mode()
