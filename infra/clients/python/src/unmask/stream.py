"""An answer on its way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import cast
from urllib.parse import quote as escaped

from .errors import RefusedError, ReplyError, UnreachableError, problem_of
from .sse import read_events
from .transport import Reply, Transport
from .types import Answer, Update

EVENTS = {"accept": "text/event-stream"}
ENDS = ("answer.completed", "answer.partial", "answer.cancelled")


class AnswerStream:
    """An answer on its way: its updates, once each, over as many connections as they take.

    Iterate it once. Leaving it (`close`, or the end of `with`) before its end gives the question up, unless it is only watched.
    """

    def __init__(
        self,
        transport: Transport,
        opening: Callable[[], Reply],
        *,
        answer_id: str | None = None,
        last_event_id: str | None = None,
        gives_up: bool = True,
    ) -> None:
        self._transport = transport
        self._opening = opening
        self._gives_up = gives_up
        self._reply: Reply | None = None
        self._last_event_id = last_event_id
        self._place = -1
        self._is_over = False
        self._answer: Answer | None = None
        #: As soon as the service has given it one.
        self.answer_id = answer_id
        self._updates = self._run()

    def __enter__(self) -> AnswerStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Update]:
        return self._updates

    @property
    def answer(self) -> Answer:
        """The whole answer; what is left of its updates is passed over."""
        for _ in self._updates:
            pass
        if self._answer is None:
            raise UnreachableError("the answer was left before it ended")
        return self._answer

    def close(self) -> None:
        """Leaves the answer; of one that was asked here the service is told to stop."""
        was_over, self._is_over = self._is_over, True
        if self._reply is not None:
            self._reply.close()
        if was_over:
            return
        if self._gives_up and self.answer_id is not None:
            path = f"/v1/answers/{escaped(self.answer_id)}/cancel"
            try:
                self._transport.send("POST", path).close()
            except (RefusedError, ReplyError, UnreachableError):
                pass  # An answer that nobody stops ends by itself.

    def _run(self) -> Iterator[Update]:
        opening = self._opening
        failures = 0
        while not self._is_over:
            reply = self._reply = self._transport.again(opening)
            self._identify(reply)
            before = self._place
            try:
                yield from self._fresh(reply)
                return
            except UnreachableError as error:
                failures = 1 if self._place > before else failures + 1
                is_given_up = self.answer_id is None or failures > self._transport.retries
                if self._is_over or is_given_up:
                    self._is_over = True
                    raise
                self._transport.pause(failures, error)
                opening = self._resume
            except (RefusedError, ReplyError):
                self._is_over = True
                raise

    def _fresh(self, reply: Reply) -> Iterator[Update]:
        if reply.status == 204:
            yield self._looked_at()
            return
        if not reply.headers.get("content-type", "").startswith("text/event-stream"):
            raise ReplyError("the service did not answer with a stream of events", reply.status)
        for message in read_events(reply.lines()):
            update = _read(message.event, message.data)
            is_end = message.event in ENDS
            place = _place_of(message.id)
            if not is_end and place <= self._place:
                continue
            self._place = max(place, self._place)
            if message.id is not None:
                self._last_event_id = message.id
                self.answer_id = message.id.rpartition(".")[0]
            if is_end:
                self._end(update)
            yield update
            if is_end:
                return
        raise UnreachableError("the connection ended before the answer did")

    def _looked_at(self) -> Update:
        """Of an answer whose end was heard before."""
        path = f"/v1/answers/{escaped(self.answer_id or '')}"
        body = self._transport.again(lambda: self._transport.send("GET", path).json())
        update = {"event": f"answer.{body['status']}", **body}
        if body["status"] == "failed":
            raise _failure(body["error"])
        self._end(update)
        return update

    def _end(self, update: Update) -> None:
        self._is_over = True
        self._answer = cast(Answer, {name: value for name, value in update.items() if name != "event"})

    def _identify(self, reply: Reply) -> None:
        location = reply.headers.get("location", "")
        if location.startswith("/v1/answers/"):
            self.answer_id = location.removeprefix("/v1/answers/")

    def _resume(self) -> Reply:
        return events_of(self._transport, self.answer_id or "", self._last_event_id)


def events_of(transport: Transport, answer_id: str, last_event_id: str | None) -> Reply:
    last = {} if last_event_id is None else {"last-event-id": last_event_id}
    return transport.send("GET", f"/v1/answers/{escaped(answer_id)}/events", None, {**EVENTS, **last})


def _read(event: str, data: str) -> Update:
    try:
        body = json.loads(data)
    except ValueError as cause:
        raise ReplyError("an event is no JSON") from cause
    if not isinstance(body, dict):
        raise ReplyError("an event has no body")
    if event == "answer.failed":
        raise _failure(body)
    return {"event": event, **body}


def _failure(body: object) -> RefusedError | ReplyError:
    problem = problem_of(body)
    return ReplyError("a failure without a problem") if problem is None else RefusedError(problem)


def _place_of(event_id: str | None) -> int:
    """Where an event stands in the answer's stream, also over restarts: the number behind the answer's id."""
    place = (event_id or "").rpartition(".")[2]
    if not place.isdigit():
        raise ReplyError("an event has no place in its stream")
    return int(place)
