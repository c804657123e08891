"""What can go wrong with a question."""

from __future__ import annotations

from .types import Problem


class UnmaskError(Exception):
    """Everything that can go wrong with a question."""


class RefusedError(UnmaskError):
    """The service refused, and said why. Switch on `code`; the message is for people."""

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        super().__init__(problem["detail"])
        self.problem = problem
        self.code: str = problem["code"]
        self.status: int = problem["status"]
        self.request_id: str = problem["request_id"]
        self.retryable: bool = problem["retryable"]
        #: Seconds after which the same question may be asked again, where the service said so.
        self.retry_after = retry_after


class UnreachableError(UnmaskError):
    """The service could not be reached, or the connection broke before the reply was complete."""


class ReplyError(UnmaskError):
    """What came back is not this API: a wrong address, or a proxy's page."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class WebhookError(UnmaskError):
    """The webhook is not the service's, or a repetition of one that was. Reply with a 4xx."""


def problem_of(body: object) -> Problem | None:
    """The body as a problem; None where it is none."""
    if not isinstance(body, dict):
        return None
    shape = {"code": str, "detail": str, "status": int, "request_id": str, "retryable": bool}
    fits = all(isinstance(body.get(name), kind) for name, kind in shape.items())
    return body if fits else None  # type: ignore[return-value]
