"""The client against a service of the tests' own."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import unittest
from pathlib import Path
from unittest import mock

sys.path[:0] = [str(Path(__file__).parents[1] / "src"), str(Path(__file__).parent)]

from service import ANSWER_ID, STORY, Service, problem  # noqa: E402
from unmask import AsyncUnmask, RefusedError, ReplyError, Unmask, UnreachableError  # noqa: E402


class Case(unittest.TestCase):
    def setUp(self) -> None:
        sleeping = mock.patch("time.sleep")
        self.sleep = sleeping.start()
        self.addCleanup(sleeping.stop)


class AQuestion(Case):
    def test_is_asked_and_its_whole_answer_returned(self) -> None:
        with Service() as service:
            answer = Unmask(service.url, "umk_1").ask("What is this?", [b"\x89PNG"], canvas=16)
        self.assertEqual(answer["answer"], "A dog.")
        method, path, headers, body = service.requests[0]
        self.assertEqual((method, path), ("POST", "/v1/answers"))
        self.assertEqual(headers["authorization"], "Bearer umk_1")
        self.assertRegex(headers["idempotency-key"], "^[0-9a-f]{32}$")
        for part in (b'name="question"\r\n\r\nWhat is this?', b'name="canvas"\r\n\r\n16', b"\x89PNG"):
            self.assertIn(part, body)

    def test_goes_as_json_where_pictures_are_named(self) -> None:
        with Service() as service:
            Unmask(service.url).ask("?", [b"\x01", {"id": "img_1"}], stop=["a"])
        body = json.loads(service.requests[0][3])
        self.assertEqual(body["images"], [{"data": "AQ=="}, {"id": "img_1"}])
        self.assertEqual(body["stop"], ["a"])

    def test_is_sent_again_under_its_key_where_that_may_help(self) -> None:
        refusals = [(503, problem("overloaded", 503, True)), (502, b"<h1>proxy</h1>")]
        with Service(refusals) as service:
            Unmask(service.url).ask("?")
        keys = {headers["idempotency-key"] for _, _, headers, _ in service.requests}
        self.assertEqual((len(service.requests), len(keys)), (3, 1))

    def test_is_not_sent_again_where_it_would_not_help(self) -> None:
        with Service([(422, problem("image_heic", 422))]) as service:
            with self.assertRaises(RefusedError) as caught:
                Unmask(service.url).ask("?")
        self.assertEqual((caught.exception.code, caught.exception.status), ("image_heic", 422))
        self.assertEqual(len(service.requests), 1)

    def test_to_nobody_is_given_up_after_so_many_tries(self) -> None:
        with self.assertRaises(UnreachableError):
            Unmask("http://127.0.0.1:9", retries=2).ask("?")
        self.assertEqual(self.sleep.call_count, 2)

    def test_to_another_site_is_told_so(self) -> None:
        with Service([(200, b"<h1>hello</h1>")]) as service, self.assertRaises(ReplyError):
            Unmask(service.url).ask("?")


class AStream(Case):
    def test_that_is_cut_at_any_byte_tells_each_event_once(self) -> None:
        whole = [update["event"] for update in _told([])]
        self.assertEqual(whole, ["answer.started", "answer.frame", "answer.frame", "answer.completed"])
        for cut in range(0, len(b"".join(STORY)), 7):
            with self.subTest(cut=cut):
                self.assertEqual([update["event"] for update in _told([cut, cut])], whole)

    def test_that_is_left_gives_the_question_up(self) -> None:
        with Service() as service:
            with Unmask(service.url).stream("?") as updates:
                next(iter(updates))
            self.assertTrue(service.cancelled.wait(10))

    def test_that_is_watched_and_left_stops_nothing(self) -> None:
        with Service() as service:
            with Unmask(service.url).watch(ANSWER_ID) as updates:
                next(iter(updates))
        self.assertEqual([path for _, path, _, _ in service.requests], [f"/v1/answers/{ANSWER_ID}/events"])

    def test_that_is_watched_goes_on_behind_the_event_that_was_heard(self) -> None:
        with Service() as service:
            updates = Unmask(service.url).watch(ANSWER_ID, last_event_id=f"{ANSWER_ID}.1")
            self.assertEqual([update["event"] for update in updates], ["answer.frame", "answer.completed"])
            ended = Unmask(service.url).watch(ANSWER_ID, last_event_id=f"{ANSWER_ID}.3")
            self.assertEqual(ended.answer["answer"], "A dog.")


def _told(cuts: list[int]) -> list[dict[str, object]]:
    with Service(cuts=cuts) as service:
        return list(Unmask(service.url).stream("?"))


class Async(Case):
    def test_asks_and_iterates(self) -> None:
        async def main() -> tuple[str, list[str]]:
            unmask = AsyncUnmask(service.url)
            answer = await unmask.ask("?")
            async with unmask.stream("?") as updates:
                return answer["answer"], [update["event"] async for update in updates]

        with Service() as service:
            answer, events = asyncio.run(main())
        self.assertEqual((answer, events[0], events[-1]), ("A dog.", "answer.started", "answer.completed"))

    def test_gives_the_question_up_when_its_task_is_cancelled_in_the_middle(self) -> None:
        async def main() -> None:
            async def listen() -> None:
                async with AsyncUnmask(service.url).stream("?") as updates:
                    async for _ in updates:
                        heard.set()

            heard = asyncio.Event()
            task = asyncio.create_task(listen())
            await heard.wait()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        with Service(cuts=[len(STORY[0])]) as service:
            service.hold = threading.Event()
            asyncio.run(main())
            self.assertTrue(service.cancelled.wait(10))


if __name__ == "__main__":
    unittest.main()
