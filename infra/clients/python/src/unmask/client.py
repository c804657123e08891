"""The API, typed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import quote as escaped

from .body import body_of
from .errors import ReplyError
from .stream import EVENTS, AnswerStream, events_of
from .transport import Transport
from .types import Answer, Picture, Upload

JSON = {"content-type": "application/json"}


class Unmask:
    """A client. It keeps no connection and may be used by several threads. Methods raise UnmaskError."""

    def __init__(
        self, base_url: str, api_key: str | None = None, *, timeout: float = 60, retries: int = 3
    ) -> None:
        """`timeout`: seconds without a byte; the service sends one every 15."""
        self._transport = Transport(base_url, api_key, timeout=timeout, retries=retries)
        self.answers = Answers(self._transport)
        self.images = Images(self._transport)
        self.client_tokens = ClientTokens(self._transport)

    def ask(
        self,
        question: str | None = None,
        images: Sequence[Picture] = (),
        *,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Answer:
        """Asks, and returns the whole answer. `fields` are the API's: `canvas`, `steps`, `mode`, `deadline_ms`, `messages`, …"""
        with self.stream(question, images, idempotency_key=idempotency_key, **fields) as updates:
            return updates.answer

    def stream(
        self,
        question: str | None = None,
        images: Sequence[Picture] = (),
        *,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> AnswerStream:
        """Asks, and returns the updates; the question is sent when the first is wanted."""
        body, headers = body_of(question, images, fields)
        key = idempotency_key or secrets.token_hex(16)
        every = {**headers, **EVENTS, "idempotency-key": key}
        send = self._transport.send
        return AnswerStream(self._transport, lambda: send("POST", "/v1/answers", body, every))

    def watch(self, answer_id: str, *, last_event_id: str | None = None) -> AnswerStream:
        """Comes back to an answer behind the event that was heard last; leaving it stops nothing."""
        return AnswerStream(
            self._transport,
            lambda: events_of(self._transport, answer_id, last_event_id),
            answer_id=answer_id,
            last_event_id=last_event_id,
            gives_up=False,
        )

    def quote(
        self, question: str | None = None, images: Sequence[Picture] = (), **fields: Any
    ) -> dict[str, Any]:
        """Says what a question would cost: exactly what it will be charged."""
        body, headers = body_of(question, images, fields)
        return _call(self._transport, "POST", "/v1/quotes", body, headers)

    def models(self) -> list[dict[str, Any]]:
        """What can be asked, and on which terms."""
        return _call(self._transport, "GET", "/v1/models")["data"]


class Answers:
    """Answers that were asked before."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, answer_id: str) -> Answer:
        """As it stands."""
        return cast(Answer, _call(self._transport, "GET", f"/v1/answers/{escaped(answer_id)}"))

    def cancel(self, answer_id: str) -> Answer:
        """Stops it where it stands; tells what was charged."""
        return cast(Answer, _call(self._transport, "POST", f"/v1/answers/{escaped(answer_id)}/cancel"))


class Images:
    """Pictures that are asked about more than once."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def upload(self, file: bytes) -> Upload:
        """Keeps a picture for 30 days. Equal files are one upload."""
        headers = {"content-type": "application/octet-stream"}
        return cast(Upload, _call(self._transport, "POST", "/v1/images", file, headers))

    def get(self, image_id: str) -> Upload:
        return cast(Upload, _call(self._transport, "GET", f"/v1/images/{escaped(image_id)}"))

    def delete(self, image_id: str) -> None:
        """Forgets it at once; answers that were made from it stay."""
        self._transport.send("DELETE", f"/v1/images/{escaped(image_id)}").close()


class ClientTokens:
    """What apps hold in place of a key."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, **fields: Any) -> dict[str, Any]:
        """Makes one: `spend_cap_micros`, `subject`, `scopes`, `ttl_seconds`, `origins`, …"""
        body = json.dumps(fields).encode()
        return self._transport.send("POST", "/v1/client_tokens", body, JSON).json()


def _call(
    transport: Transport,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    reply = transport.again(lambda: transport.send(method, path, body, headers or {}).json())
    if not isinstance(reply, dict) or not isinstance(reply.get("object"), str):
        raise ReplyError(f"{transport.base_url} answered with JSON that is not this API's")
    return reply
