"""OpenAI's chat completions, as far as a model of one question about one picture can take them. Source: OpenAI API reference."""

import base64
import binascii
import json
import re
import time
from dataclasses import dataclass

from .examples import CANVAS

# Parameters of which one value is what this server does anyway.
FIXED = {"n": 1, "stream": False, "temperature": 0, "top_p": 1, "top_logprobs": 0, "frequency_penalty": 0, "presence_penalty": 0}
DATA_URI = re.compile(r"data:image/[\w.+-]+;base64,([A-Za-z0-9+/=\s]+)")


@dataclass
class Refusal(Exception):
    status: int
    code: str
    message: str
    param: str | None = None

    def body(self) -> dict:
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


@dataclass
class Asked:
    question: str
    picture: bytes
    most: int  # tokens of the answer
    stops: list[str]
    tells_chances: bool


@dataclass
class Answer:
    text: str
    finish: str
    tokens: list[tuple[str, float]]  # each with the logarithm of its probability when it was written
    prompt_tokens: int
    passes: int


def read_request(body: bytes, name: str) -> Asked:
    try:
        value = json.loads(body)
    except ValueError as cause:
        raise Refusal(400, "invalid_json", f"the body is not JSON: {cause}") from cause
    if not isinstance(value, dict):
        raise Refusal(400, "invalid_json", "the body is not an object")
    if value.get("model") != name:
        raise Refusal(404, "model_not_found", f"this server has the model {name} alone", "model")
    for key, only in FIXED.items():
        if value.get(key) not in (None, only):
            raise Refusal(400, "unsupported_parameter", f"{key} can only be {json.dumps(only)} here", key)
    for key in ("tools", "functions", "response_format"):
        if value.get(key):
            raise Refusal(400, "unsupported_parameter", f"{key} is nothing that this model was trained for", key)
    question, picture = read_messages(value.get("messages"))
    stops = value.get("stop") or []
    stops = [stops] if isinstance(stops, str) else stops
    if not isinstance(stops, list) or not all(isinstance(stop, str) and stop for stop in stops):
        raise Refusal(400, "invalid_value", "stop is a text, or a list of texts", "stop")
    named = (value.get("max_completion_tokens"), value.get("max_tokens"), CANVAS)
    most = next(one for one in named if one is not None)
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise Refusal(400, "invalid_value", "max_tokens is a whole number from 1", "max_tokens")
    return Asked(question, picture, most, stops, value.get("logprobs") is True)


def read_messages(messages) -> tuple[str, bytes]:
    if (
        not isinstance(messages, list)
        or len(messages) != 1
        or not isinstance(messages[0], dict)
        or messages[0].get("role") != "user"
    ):
        raise Refusal(
            400,
            "invalid_messages",
            "this model takes one message, of the user: it was trained on one question at a time",
            "messages",
        )
    content = messages[0].get("content")
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    texts = [part["text"] for part in parts if part.get("type") == "text" and isinstance(part.get("text"), str)]
    shown = [part.get("image_url") for part in parts if part.get("type") == "image_url"]
    if len(shown) != 1 or not texts or len(texts) + len(shown) != len(content):
        said = "content is a list of one picture {type: image_url} and the question {type: text}"
        raise Refusal(400, "invalid_messages", said, "messages")
    url = shown[0].get("url") if isinstance(shown[0], dict) else shown[0]
    found = DATA_URI.fullmatch(url) if isinstance(url, str) else None
    if not found:
        raise Refusal(400, "invalid_image", "the picture is a data URI, data:image/…;base64,…: nothing is fetched", "messages")
    try:
        return "\n".join(texts).strip(), base64.b64decode(found[1], validate=False)
    except binascii.Error as cause:
        raise Refusal(400, "invalid_image", f"the picture's base64 is broken: {cause}", "messages") from cause


def completion(name: str, asked: Asked, answer: Answer, number: int) -> dict:
    chances = [
        {"token": text, "logprob": chance, "bytes": list(text.encode()), "top_logprobs": []} for text, chance in answer.tokens
    ]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": answer.text, "refusal": None},
        "finish_reason": answer.finish,
        "logprobs": {"content": chances, "refusal": None} if asked.tells_chances else None,
    }
    count = len(answer.tokens)
    usage = {"prompt_tokens": answer.prompt_tokens, "completion_tokens": count, "total_tokens": answer.prompt_tokens + count}
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": name,
        "choices": [choice],
        "usage": {**usage, "passes": answer.passes},
    }
