"""What is sent and told, as the API names it. Replies may have members beside these."""

from __future__ import annotations

from typing import Any, Literal, TypedDict, Union

Status = Literal["queued", "running", "completed", "partial", "failed", "cancelled"]


class Problem(TypedDict, total=False):
    """A refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    retryable: bool
    charged_micros: int
    errors: list[dict[str, str]]
    retry_after: int


class Token(TypedDict):
    text: str
    confidence: float
    step: int


class Answer(TypedDict, total=False):
    """An answer as far as it is made; `charged_micros` in micro-dollars, 0 until it has ended."""

    id: str
    object: Literal["answer"]
    status: Status
    answer: str
    confidence: float
    model: str
    model_digest: str | None
    digest: str | None
    cached: bool
    usage: dict[str, int]
    charged_micros: int
    created_at: str
    ended_at: str | None
    tokens: list[Token]
    error: Problem | None
    warnings: list[dict[str, str]]


class Upload(TypedDict):
    """An uploaded picture; `id` is `img_` and the hex SHA-256 of the file."""

    id: str
    object: Literal["image"]
    bytes: int
    width: int
    height: int
    media_type: str
    created_at: str
    expires_at: str


class PictureAt(TypedDict):
    """A picture at an https address."""

    url: str


class PictureUploaded(TypedDict):
    """A picture that was uploaded before."""

    id: str


Picture = Union[bytes, PictureAt, PictureUploaded]
"""A picture file as it is, JPEG, PNG, WebP, GIF or AVIF; or its https address, or the id of an upload."""

Update = dict[str, Any]
"""An event of an answer with its name under `event`: `answer.started`, `answer.frame`, `answer.restarted`, or how it ended."""
