"""The same with `await`: every call that waits runs in a thread of its own, which ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar, cast

from .client import Unmask
from .stream import AnswerStream
from .types import Answer, Picture, Update, Upload

Value = TypeVar("Value")


class AsyncAnswerStream:
    """As AnswerStream, for `async with` and `async for`. A task that is cancelled gives the question up."""

    def __init__(self, stream: AnswerStream) -> None:
        self._stream = stream
        self._updates = iter(stream)
        # One thread, so that one update is waited for at a time.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="unmask")

    async def __aenter__(self) -> AsyncAnswerStream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> AsyncAnswerStream:
        return self

    async def __anext__(self) -> Update:
        update = await self._wait(lambda: next(self._updates, None))
        if update is None:
            raise StopAsyncIteration
        return update

    @property
    def answer_id(self) -> str | None:
        return self._stream.answer_id

    async def answer(self) -> Answer:
        """The whole answer; what is left of its updates is passed over."""
        return await self._wait(lambda: self._stream.answer)

    async def close(self) -> None:
        # In another thread: the stream's own may be waiting for a byte, and is woken by this.
        await asyncio.to_thread(self._stream.close)
        self._thread.shutdown(wait=False)

    async def _wait(self, call: Callable[[], Value]) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


class AsyncUnmask:
    """A client for asyncio. Methods raise UnmaskError."""

    def __init__(
        self, base_url: str, api_key: str | None = None, *, timeout: float = 60, retries: int = 3
    ) -> None:
        self._client = Unmask(base_url, api_key, timeout=timeout, retries=retries)

    async def ask(
        self,
        question: str | None = None,
        images: Sequence[Picture] = (),
        *,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Answer:
        """Asks, and returns the whole answer."""
        stream = self.stream(question, images, idempotency_key=idempotency_key, **fields)
        async with stream as updates:
            return await updates.answer()

    def stream(
        self,
        question: str | None = None,
        images: Sequence[Picture] = (),
        *,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> AsyncAnswerStream:
        """Asks, and returns the updates; the question is sent when the first is wanted."""
        stream = self._client.stream(question, images, idempotency_key=idempotency_key, **fields)
        return AsyncAnswerStream(stream)

    def watch(self, answer_id: str, *, last_event_id: str | None = None) -> AsyncAnswerStream:
        """Comes back to an answer behind the event that was heard last; leaving it stops nothing."""
        return AsyncAnswerStream(self._client.watch(answer_id, last_event_id=last_event_id))

    async def quote(
        self, question: str | None = None, images: Sequence[Picture] = (), **fields: Any
    ) -> dict[str, Any]:
        """Says what a question would cost."""
        return await asyncio.to_thread(self._client.quote, question, images, **fields)

    async def models(self) -> list[dict[str, Any]]:
        return await asyncio.to_thread(self._client.models)

    async def get_answer(self, answer_id: str) -> Answer:
        """As it stands."""
        return await asyncio.to_thread(self._client.answers.get, answer_id)

    async def cancel_answer(self, answer_id: str) -> Answer:
        """Stops it where it stands; tells what was charged."""
        return await asyncio.to_thread(self._client.answers.cancel, answer_id)

    async def upload(self, file: bytes) -> Upload:
        """Keeps a picture for 30 days."""
        return cast(Upload, await asyncio.to_thread(self._client.images.upload, file))
