"""Asks an Unmask service about pictures."""

from .aio import AsyncAnswerStream, AsyncUnmask
from .client import Unmask
from .errors import RefusedError, ReplyError, UnmaskError, UnreachableError, WebhookError
from .stream import AnswerStream
from .types import Answer, Picture, Problem, Update
from .webhooks import verify_webhook

__all__ = [
    "Answer",
    "AnswerStream",
    "AsyncAnswerStream",
    "AsyncUnmask",
    "Picture",
    "Problem",
    "RefusedError",
    "ReplyError",
    "Unmask",
    "UnmaskError",
    "UnreachableError",
    "Update",
    "WebhookError",
    "verify_webhook",
]
