"""A service of the tests' own, on loopback: it answers one question, and breaks where it is told to."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER_ID = "ans_1"


def event(name: str, place: int, **body: Any) -> bytes:
    return f"event: {name}\nid: {ANSWER_ID}.{place}\ndata: {json.dumps(body)}\n\n".encode()


ANSWER = {"id": ANSWER_ID, "object": "answer", "status": "completed", "answer": "A dog."}

STORY = (
    event("answer.started", 0, model="demo"),
    b":\n\n",
    event("answer.frame", 1, step=1),
    event("answer.frame", 2, step=2),
    event("answer.completed", 3, **ANSWER),
)


def problem(code: str, status: int, retryable: bool = False) -> bytes:
    said = {"code": code, "detail": f"{code}.", "status": status, "request_id": "req_1"}
    return json.dumps({**said, "retryable": retryable, "errors": []}).encode()


class Service:
    """Answers in turn with `refusals`, (status, body), then with the story cut after so many bytes by `cuts`, then whole."""

    def __init__(self, refusals: list[tuple[int, bytes]] = [], cuts: list[int] = []) -> None:
        self.refusals, self.cuts = list(refusals), list(cuts)
        self.hold: threading.Event | None = None
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.cancelled = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service._answer(self)

            do_POST = do_GET

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Service:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.hold is not None:
            self.hold.set()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.command, request.path, headers, body))
        if self.refusals:
            status, reply = self.refusals.pop(0)
            return self._reply(request, status, "application/problem+json", reply)
        if request.path.endswith("/cancel"):
            self.cancelled.set()
            return self._reply(request, 200, "application/json", json.dumps(ANSWER).encode())
        if request.path == f"/v1/answers/{ANSWER_ID}" or not request.path.startswith("/v1/answers"):
            return self._reply(request, 200, "application/json", json.dumps(ANSWER).encode())
        last = headers.get("last-event-id", f"{ANSWER_ID}.-1")
        after = int(last.rpartition(".")[2])
        if after == 3:
            return self._reply(request, 204, "text/plain", b"")
        told = b"".join(part for part in STORY if b"id: " not in part or _place(part) > after)
        cut = self.cuts.pop(0) if self.cuts else len(told)
        request.send_response(200)
        request.send_header("content-type", "text/event-stream")
        request.send_header("location", f"/v1/answers/{ANSWER_ID}")
        request.end_headers()
        request.wfile.write(told[:cut])
        request.wfile.flush()
        if self.hold is not None:
            self.hold.wait(30)

    def _reply(self, request: BaseHTTPRequestHandler, status: int, kind: str, body: bytes) -> None:
        request.send_response(status)
        request.send_header("content-type", kind)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def _place(part: bytes) -> int:
    return int(part.split(b"\n")[1].rpartition(b".")[2])
