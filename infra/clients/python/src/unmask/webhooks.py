"""Checks webhooks. Source: Standard Webhooks 1.0."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import WebhookError

TOLERANCE_SECONDS = 300
"""Nobody can repeat a message that was seen long ago."""

MAX_SIGNATURES = 8
"""Threat: a header that costs a check for each of thousands. Two stand in it while a secret is replaced."""


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes,
    secrets: str | Sequence[str],
    now: float | None = None,
) -> dict[str, Any]:
    """Returns `{type, timestamp, data}` of a webhook that the service sent within five minutes of `now` (seconds since 1970).

    `secrets`: `whsec_…`, two while one is replaced. The same notice may come twice: its `webhook-id` is then the same.
    Raises WebhookError, and ValueError for a secret that is none.
    """
    told = {name.lower(): value for name, value in headers.items()}
    notice, sent = told.get("webhook-id", ""), told.get("webhook-timestamp", "")
    signatures = told.get("webhook-signature", "").split(" ")[:MAX_SIGNATURES]
    current = time.time() if now is None else now
    is_young = sent.isascii() and sent.isdigit() and abs(current - int(sent)) <= TOLERANCE_SECONDS
    message = f"{notice}.{sent}.".encode() + body
    keys = [_key(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    expected = [
        b"v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()) for key in keys
    ]
    fits = any(
        hmac.compare_digest(one, signature.encode()) for one in expected for signature in signatures
    )
    if not (is_young and fits):
        raise WebhookError("the signature, or the age, of the webhook is wrong")
    return json.loads(body)


def _key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        raise ValueError("a webhook's secret begins with whsec_; public keys whpk_ need a library with Ed25519")
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as cause:
        raise ValueError("the webhook's secret is no base64") from cause
