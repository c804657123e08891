"""Signatures of webhooks. The vector is Standard Webhooks' own."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from unmask import WebhookError, verify_webhook  # noqa: E402

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = 1614265330
BODY = b'{"test": 2432232314}'
HEADERS = {
    "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "Webhook-Timestamp": str(NOW),
    "Webhook-Signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


class AWebhook(unittest.TestCase):
    def test_of_the_service_is_read(self) -> None:
        self.assertEqual(verify_webhook(HEADERS, BODY, SECRET, NOW), {"test": 2432232314})

    def test_is_read_by_either_secret_while_one_is_replaced(self) -> None:
        verify_webhook(HEADERS, BODY, ["whsec_AAAA", SECRET], NOW)

    def test_is_refused_for_any_change(self) -> None:
        changes = [
            ({}, BODY + b" ", SECRET, NOW),
            ({}, BODY, "whsec_AAAA", NOW),
            ({}, BODY, SECRET, NOW + 301),
            ({}, BODY, SECRET, NOW - 301),
            ({"Webhook-Id": "msg_2"}, BODY, SECRET, NOW),
            ({"Webhook-Timestamp": "x"}, BODY, SECRET, NOW),
            ({"Webhook-Signature": ""}, BODY, SECRET, NOW),
        ]
        for headers, body, secret, now in changes:
            with self.subTest(headers=headers, now=now), self.assertRaises(WebhookError):
                verify_webhook({**HEADERS, **headers}, body, secret, now)

    def test_needs_a_secret_that_is_one(self) -> None:
        for secret in ("whpk_AAAA", "whsec_!"):
            with self.assertRaises(ValueError):
                verify_webhook(HEADERS, BODY, secret, NOW)


if __name__ == "__main__":
    unittest.main()
