"""A question as a body."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from .types import Picture


def body_of(
    question: str | None, images: Sequence[Picture], fields: Mapping[str, Any]
) -> tuple[bytes, dict[str, str]]:
    """Returns bytes and their type: a form where files alone travel with the question, because there they travel as they are."""
    said = {**({} if question is None else {"question": question}), **fields}
    files = [image for image in images if isinstance(image, (bytes, bytearray))]
    is_plain = all(isinstance(value, (str, int, float)) for value in said.values())
    if files and len(files) == len(images) and is_plain:
        return _form(said, files)
    shown = [
        {"data": base64.b64encode(image).decode()} if isinstance(image, (bytes, bytearray)) else image
        for image in images
    ]
    body = {**said, **({"images": shown} if shown else {})}
    return json.dumps(body).encode(), {"content-type": "application/json"}


def _form(fields: Mapping[str, Any], files: Sequence[bytes]) -> tuple[bytes, dict[str, str]]:
    boundary = secrets.token_hex(16)
    parts = [
        (f'form-data; name="{name}"', _text(value).encode()) for name, value in fields.items()
    ] + [('form-data; name="image"; filename="picture"', bytes(file)) for file in files]
    body = b"".join(
        f"--{boundary}\r\ncontent-disposition: {head}\r\n\r\n".encode() + content + b"\r\n"
        for head, content in parts
    )
    content_type = f"multipart/form-data; boundary={boundary}"
    return body + f"--{boundary}--\r\n".encode(), {"content-type": content_type}


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)
