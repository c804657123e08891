"""A finished run behind a small server of OpenAI's form, for whoever compares it with another: loopback only, one answer at a time.

    python -m miniature.serve --work DIR --run causal-128-32000-1 [--port 0] [--steps N]

prints its address, up to and with /v1, on one line, and serves until it is ended:

    POST /v1/chat/completions   one user message with a question and one picture as a data URI; max_tokens, stop and logprobs are kept to
    GET  /v1/models             the run, by its name

It writes at temperature 0, each token once. Whatever else it is asked for gets 400 with what it takes instead.
"""

import argparse
import io
import json
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import torch
from PIL import Image

from losses import to_pixels
from scenes import square
from tokenizer import Codec

from .chat import Answer, Asked, Refusal, completion, read_request
from .examples import CANVAS, QUESTION, SIZE, Examples
from .kinds import Language, write
from .tower import tower
from .train import DIALS

# Threat · number · reason.
MAX_BODY = 16 * 2**20  # a body that fills the memory · bytes · a picture of 10 MB as base64
MAX_PIXELS = 16_000_000  # a small file that unpacks to gigabytes · pixels · 48 MB as RGB, and the tower sees 96 x 96 of them
MAX_WAITING = 64  # threads without end · requests at a time · as many as `unmask eval --concurrency`
QUIET = 30  # whoever opens a connection and says nothing · seconds


class Twin:
    """A finished run that answers questions about pictures."""

    def __init__(self, work: Path, name: str, steps: int | None):
        path = work / "miniature" / "runs" / f"{name}.pt"
        if not path.exists():
            there = sorted(p.stem for p in path.parent.glob("*.json"))
            raise SystemExit(f"{path} is not there; finished runs: {', '.join(there) or 'none'}")
        saved = torch.load(path, map_location="cpu", weights_only=True)
        plan = saved["plan"]
        if saved["step"] < plan["steps"]:
            raise SystemExit(f"{name} is not finished: {saved['step']} of {plan['steps']} steps (python -m miniature.run)")
        self.name, self.kind = name, plan["kind"]
        dials = DIALS[self.kind]
        if steps is not None and not 1 <= steps <= dials[-1]:
            raise SystemExit(f"--steps of {self.kind} is from 1 to {dials[-1]}")
        self.steps = steps or dials[-1]
        self.codec = Codec(work / "miniature" / "tokenizer")
        self.model = Language(plan["hidden"], self.codec.size)
        self.model.load_state_dict(saved["model"])
        self.model.eval()
        self.tower = tower()

    @torch.no_grad()
    def features(self, picture: bytes) -> torch.Tensor:
        """[1, patches, width] float16, as training has them."""
        return self.tower(to_pixels(torch.from_numpy(pixels(picture))[None])).half()

    def answer(self, asked: Asked) -> Answer:
        ids = self.codec.after(asked.question)
        if len(ids) > QUESTION:
            said = f"the question has {len(ids)} tokens with its template; this model was trained on at most {QUESTION}"
            raise Refusal(400, "question_too_long", said, "messages")
        questions = torch.full((1, QUESTION), self.codec.eos)
        questions[0, QUESTION - len(ids) :] = torch.tensor(ids)
        nothing = torch.full((1, CANVAS), self.codec.eot)
        batch = Examples(self.features(asked.picture), questions, torch.tensor([len(ids)]), nothing, [])
        written = write(self.kind, self.model, self.codec, batch, self.steps)
        tokens, chances = written.tokens[0].tolist(), written.chances[0].tolist()
        end = tokens.index(self.codec.eot) if self.codec.eot in tokens else CANVAS
        kept = min(end, asked.most)
        text = self.codec.decode(tokens[:kept])
        finish = "stop" if kept == end and end < CANVAS else "length"
        cuts = [at for stop in asked.stops if (at := text.find(stop)) >= 0]
        if cuts:
            text, finish = text[: min(cuts)], "stop"
        told = [(self.codec.decode([t]), math.log(c)) for t, c in zip(tokens[:kept], chances[:kept])]
        return Answer(text, finish, told, len(self.codec.before) + self.features_count + len(ids), int(written.passes[0]))

    @property
    def features_count(self) -> int:
        return self.model.config.patches + 1


def pixels(picture: bytes):
    """[SIZE, SIZE, 3] uint8 as the tower sees it: on a grey square, resized; one of that size as it is."""
    try:
        with Image.open(io.BytesIO(picture), formats=["PNG", "JPEG", "WEBP", "GIF"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Refusal(400, "image_too_large", f"the picture has more than {MAX_PIXELS:,} pixels", "messages")
            return square(image, SIZE).copy()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as cause:
        raise Refusal(
            400, "invalid_image", f"the picture cannot be read as PNG, JPEG, WebP or GIF: {cause}", "messages"
        ) from cause


class Handler(BaseHTTPRequestHandler):
    timeout = QUIET
    server: "Server"

    def do_GET(self) -> None:
        twin = self.server.twin
        if self.path == "/v1/models":
            self.reply(
                200, {"object": "list", "data": [{"id": twin.name, "object": "model", "created": 0, "owned_by": "unmask"}]}
            )
        else:
            self.refuse(Refusal(404, "not_found", "there is POST /v1/chat/completions and GET /v1/models"))

    def do_POST(self) -> None:
        try:
            self.reply(200, self.answered())
        except Refusal as refusal:
            self.refuse(refusal)

    def answered(self) -> dict:
        if self.path != "/v1/chat/completions":
            raise Refusal(404, "not_found", "there is POST /v1/chat/completions and GET /v1/models")
        length = self.headers.get("content-length", "")
        if not length.isdecimal():
            raise Refusal(411, "length_required", "the request says no content-length")
        if int(length) > MAX_BODY:
            raise Refusal(413, "request_too_large", f"the body has more than {MAX_BODY:,} bytes")
        if not self.server.places.acquire(blocking=False):
            raise Refusal(429, "busy", f"{MAX_WAITING} requests are waiting already")
        try:
            asked = read_request(self.rfile.read(int(length)), self.server.twin.name)
            with self.server.turn:
                return completion(self.server.twin.name, asked, self.server.twin.answer(asked), next(self.server.numbers))
        finally:
            self.server.places.release()

    def refuse(self, refusal: Refusal) -> None:
        self.reply(refusal.status, refusal.body())

    def reply(self, status: int, value: dict) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if status == 429:
            self.send_header("retry-after", "1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        """Nothing: standard output has the address alone."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, twin: Twin):
        super().__init__(("127.0.0.1", port), Handler)
        self.twin = twin
        self.turn = threading.Lock()
        self.places = threading.BoundedSemaphore(MAX_WAITING)
        self.numbers = iter(range(1, 2**62))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--run", required=True, help="name of a finished run, such as causal-128-32000-1")
    parser.add_argument("--port", type=int, default=0, help="0 for one that is free")
    parser.add_argument(
        "--steps", type=int, help="passes over the canvas (diffusion) or each block (blocks); the most if not said"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    server = Server(args.port, Twin(args.work, args.run, args.steps))
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
