"""Server-sent events. Source: WHATWG HTML section 9.2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .errors import ReplyError

MAX_EVENT_LENGTH = 1024 * 1024
"""Threat: a stream that never ends an event fills the memory. The largest honest one is an answer of 512 tokens, some 80 kB."""


class Message(NamedTuple):
    event: str
    data: str
    id: str | None


def read_events(lines: Iterable[bytes]) -> Iterator[Message]:
    """Reads events from lines; comments are skipped, and what the end cuts off is dropped."""
    event, data, last_id, length = "message", [], None, 0
    for raw in lines:
        if not raw.endswith(b"\n"):
            return
        length += len(raw)
        if length > MAX_EVENT_LENGTH:
            raise ReplyError("an event is longer than any of the service's")
        line = raw.rstrip(b"\r\n").decode("utf-8", "replace")
        if line == "":
            if data:
                yield Message(event, "\n".join(data), last_id)
            event, data, last_id, length = "message", [], None, 0
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            event = value
        elif name == "data":
            data.append(value)
        elif name == "id":
            last_id = value
