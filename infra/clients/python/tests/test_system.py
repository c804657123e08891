"""The client against a running system: UNMASK_URL, UNMASK_KEY, and UNMASK_PICTURE, a picture of a dog."""

from __future__ import annotations

import asyncio
import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from unmask import AsyncUnmask, RefusedError, Unmask  # noqa: E402

URL, KEY = os.environ.get("UNMASK_URL", ""), os.environ.get("UNMASK_KEY", "")


@unittest.skipUnless(URL, "needs a running system: set UNMASK_URL, UNMASK_KEY and UNMASK_PICTURE")
class TheSystem(unittest.TestCase):
    def setUp(self) -> None:
        self.unmask = Unmask(URL, KEY)
        self.dog = Path(os.environ["UNMASK_PICTURE"]).read_bytes()

    def test_answers_by_file_and_by_upload_what_it_quoted(self) -> None:
        quoted = self.unmask.quote("What is this?", [self.dog])["price_micros"]
        answer = self.unmask.ask("What is this?", [self.dog], cache="off")
        self.assertEqual((answer["answer"], answer["charged_micros"]), ("A dog.", quoted))
        upload = self.unmask.images.upload(self.dog)
        by_id = self.unmask.ask("What is this?", [{"id": upload["id"]}])
        self.assertEqual(by_id["answer"], "A dog.")

    def test_streams_and_is_come_back_to(self) -> None:
        with self.unmask.stream("What is this?", [self.dog], cache="off") as updates:
            events = [update["event"] for update in updates]
        self.assertEqual((events[0], events[-1]), ("answer.started", "answer.completed"))
        self.assertIn("answer.frame", events)
        answer_id = updates.answer_id or ""
        back = self.unmask.watch(answer_id, last_event_id=f"{answer_id}.1")
        self.assertEqual(back.answer["answer"], "A dog.")
        self.assertEqual(self.unmask.answers.get(answer_id)["answer"], "A dog.")

    def test_gives_a_phone_a_token_of_one_upload(self) -> None:
        token = self.unmask.client_tokens.create(scopes=["upload"], ttl_seconds=86400, subject="anna")
        phone = Unmask(URL, token["token"])
        upload = phone.images.upload(self.dog)
        with self.assertRaises(RefusedError) as caught:
            phone.images.upload(self.dog)
        self.assertEqual(caught.exception.code, "upload_token_used")
        anna = self.unmask.client_tokens.create(spend_cap_micros=10_000, subject="anna")
        answer = Unmask(URL, anna["token"]).ask("What is this?", [{"id": upload["id"]}])
        self.assertEqual(answer["answer"], "A dog.")

    def test_says_how_large_a_picture_is_worth_sending(self) -> None:
        [model] = self.unmask.models()
        self.assertGreater(model["image"]["recommended_max_side"], 0)

    def test_refuses_by_code(self) -> None:
        with self.assertRaises(RefusedError) as caught:
            Unmask(URL, "umk_wrong").ask("?")
        self.assertEqual(caught.exception.code, "unauthenticated")

    def test_answers_many_at_once_with_asyncio(self) -> None:
        async def main() -> list[str]:
            unmask = AsyncUnmask(URL, KEY)
            asking = (unmask.ask("What is this?", [self.dog], cache="off") for _ in range(3))
            return [answer["answer"] for answer in await asyncio.gather(*asking)]

        self.assertEqual(asyncio.run(main()), ["A dog."] * 3)


if __name__ == "__main__":
    unittest.main()
