"""The one writer: a thread that commits many waiting jobs together.

A job is a function of a connection. Jobs that wait while a commit syncs the disk, or while another process has the
store's lock, go into the next commit together, so the rate grows with the load and nobody waits for a timer. A batch
runs without savepoints; when a job of it fails, the batch is rolled back and its jobs run again one by one, so that
only the faulty one feels it. Jobs must therefore not have effects outside their connection.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gateway.flow.ports import StoreDown
from gateway.store.engine import translate

T = TypeVar("T")
Job = Callable[[Connection], Any]
_log = logging.getLogger("gateway.store")

MAX_BATCH = 200


class _Waiting:
    __slots__ = ("error", "future", "job", "loop", "result")

    def __init__(self, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        self.job = job
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None


class Writer:
    """Runs jobs in order, in one thread, each durable before its caller goes on."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: deque[_Waiting] = deque()
        self._ready = threading.Condition()
        self._closing = False
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[Connection], T]) -> T:
        """Run a job and return its result once it is on stable storage.

        Raises StoreDown (or StoreFull) where the store cannot write, or whatever the job raises; in each
        case nothing of the job was kept.
        """
        waiting = _Waiting(job, asyncio.get_running_loop())
        with self._ready:
            if self._closing:
                raise StoreDown("the store is closed")
            self._queue.append(waiting)
            self._ready.notify()
        return cast(T, await waiting.future)

    def close(self) -> None:
        """Finish what waits, then stop the thread."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._queue and not self._closing:
                    self._ready.wait()
                if not self._queue:
                    break
            _answer(self._commit())
        if self._connection is not None:
            self._connection.close()

    def _take(self) -> list[_Waiting]:
        with self._ready:
            return [self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH))]

    def _commit(self) -> list[_Waiting]:
        """Run the jobs that wait, and return them, each with its result or its error."""
        batch: list[_Waiting] = []
        if not self._attempt(batch) and len(batch) > 1:
            for waiting in batch:
                waiting.error = None
                self._attempt([waiting])
        return batch

    def _attempt(self, batch: list[_Waiting]) -> bool:
        """Run a batch in one transaction; on failure leave the error with each job. Returns False where one may be at fault.

        An empty one is filled with the jobs that wait once the lock is ours: while another process has it, more come.
        """
        error: BaseException
        begun = False
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            with self._connection.begin():
                begun = True
                batch += [] if batch else self._take()
                for waiting in batch:
                    waiting.result = waiting.job(self._connection)
            return True
        except DBAPIError as driver_error:
            error = translate(driver_error.orig or driver_error)
            self._reconnect()
        except (SQLAlchemyError, sqlite3.Error, OSError) as store_error:
            error = translate(store_error)
            self._reconnect()
        except Exception as job_error:
            error = job_error
        batch += [] if batch else self._take()
        for waiting in batch:
            waiting.error = error
        # Where another program keeps the store locked no job has run: each alone would only wait as long again.
        return not begun

    def _reconnect(self) -> None:
        # After an I/O error or a full disk the connection's state is not worth trusting.
        if self._connection is not None:
            try:
                self._connection.close()
            except SQLAlchemyError:
                _log.warning("could not close a failed connection", exc_info=True)
        self._connection = None


def _answer(batch: list[_Waiting]) -> None:
    # One wake-up per loop, not per job.
    loops = {waiting.loop for waiting in batch}
    for loop in loops:
        mine = [waiting for waiting in batch if waiting.loop is loop]
        try:
            loop.call_soon_threadsafe(_resolve, mine)
        except RuntimeError:
            _log.warning("%d callers were gone before their commit", len(mine))


def _resolve(batch: list[_Waiting]) -> None:
    for waiting in batch:
        if waiting.future.done():
            continue
        if waiting.error is not None:
            waiting.future.set_exception(waiting.error)
        else:
            waiting.future.set_result(waiting.result)
