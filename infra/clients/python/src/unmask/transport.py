"""Requests over the standard library: one connection each, tried again where that may help."""

from __future__ import annotations

import http.client
import json
import random
import socket
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from .errors import RefusedError, ReplyError, UnmaskError, UnreachableError, problem_of

Value = TypeVar("Value")

MAX_LINE = 2 * 1024 * 1024
"""Threat: a line without end. No event is longer than 1 MiB."""

LONGEST_NAMED_WAIT_SECONDS = 30
"""Who is told to come back later than this is better told so than kept waiting."""

MAX_WAITS_FOR_FIRST = 300
"""An equal request under way is waited for this often: at 2 s each, for 10 minutes."""


class Reply:
    """A reply that is a success, to be read or closed."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        # Kept, because a reply that ends its connection takes it from there.
        self._socket = connection.sock
        self._response = response = connection.getresponse()
        self.status = response.status
        self.headers = response.headers

    def json(self) -> Any:
        """Reads it whole. Raises ReplyError where it is no JSON."""
        try:
            return json.loads(self._response.read())
        except ValueError as cause:
            raise ReplyError(f"the reply is no JSON ({self.status})", self.status) from cause
        except (OSError, http.client.HTTPException) as cause:
            raise UnreachableError("the connection broke off within the reply") from cause
        finally:
            self.close()

    def lines(self) -> Iterator[bytes]:
        """Reads it line by line as it arrives."""
        try:
            while line := self._response.readline(MAX_LINE):
                yield line
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as cause:
            # The last two are how the library says that another thread has closed it.
            raise UnreachableError("the connection broke before the answer was complete") from cause

    def close(self) -> None:
        """Lets go of the connection; a thread that waits for its next byte is woken."""
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # It is closed already.
        self._response.close()
        self._connection.close()


class Transport:
    """Where the service is and how it is asked."""

    def __init__(self, base_url: str, api_key: str | None, *, timeout: float, retries: int) -> None:
        address = urllib.parse.urlsplit(base_url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError(f"{base_url!r} is no http or https address")
        self.base_url = base_url.rstrip("/")
        self.retries = retries
        self._address = address
        self._api_key = api_key
        self._timeout = timeout

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Reply:
        """Sends a request once. Raises UnmaskError for all but a success."""
        https = self._address.scheme == "https"
        kind = http.client.HTTPSConnection if https else http.client.HTTPConnection
        connection = kind(self._address.hostname or "", self._address.port, timeout=self._timeout)
        key = {} if self._api_key is None else {"authorization": f"Bearer {self._api_key}"}
        try:
            target = self._address.path.rstrip("/") + path
            connection.request(method, target, body, {**key, **headers})
            reply = Reply(connection)
        except (OSError, http.client.HTTPException) as cause:
            connection.close()
            raise UnreachableError(f"{self.base_url} cannot be reached: {cause}") from cause
        if 200 <= reply.status < 300:
            return reply
        raise self._refusal(reply)

    def again(self, attempt: Callable[[], Value]) -> Value:
        """Tries, and again where that may help: only for requests that do no more when they arrive twice."""
        failures = waits = 0
        while True:
            try:
                return attempt()
            except UnmaskError as error:
                if isinstance(error, RefusedError) and error.code == "idempotency_in_progress":
                    waits += 1
                else:
                    failures += 1
                if failures > self.retries or waits > MAX_WAITS_FOR_FIRST or not is_passing(error):
                    raise
                self.pause(failures, error)

    def pause(self, failures: int, error: UnmaskError | None = None) -> None:
        """Waits as long as the service said, or twice as long from try to try, spread at random."""
        named = error.retry_after or 0 if isinstance(error, RefusedError) else 0
        time.sleep(named + random.random() * min(8, 0.5 * 2 ** max(0, failures - 1)))

    def _refusal(self, reply: Reply) -> UnmaskError:
        try:
            problem = problem_of(reply.json())
        except ReplyError:
            problem = None
        if problem is None:
            return ReplyError(f"{self.base_url} answered {reply.status}", reply.status)
        retry_after = reply.headers.get("retry-after", "")
        return RefusedError(problem, float(retry_after) if retry_after.isdigit() else None)


def is_passing(error: UnmaskError) -> bool:
    """Whether the same request may succeed a moment later."""
    if isinstance(error, UnreachableError):
        return True
    if isinstance(error, ReplyError):
        return error.status in (502, 503, 504)
    return (
        isinstance(error, RefusedError)
        and error.retryable
        and (error.retry_after or 0) <= LONGEST_NAMED_WAIT_SECONDS
    )
