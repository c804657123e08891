"""OpenAI's own client: a Pydantic model as response_format, at once and streamed; responses that go on; decisions."""

import base64
import os
from typing import Literal, Optional

from openai import BadRequestError, OpenAI
from pydantic import BaseModel, Field


class Animal(BaseModel):
    kind: Literal["dog", "cat", "whale"] = Field(description="What is this?")
    is_dog: bool = Field(description="Is this a dog?")
    count: int = Field(ge=0, le=4, description="How many dogs are there?")


class Picture(BaseModel):
    """What a picture shows."""

    animal: Animal
    color: Optional[Literal["brown", "black", "white"]] = Field(description="What color is it?")


client = OpenAI(base_url=os.environ["UNMASK_URL"] + "/v1", api_key=os.environ["UNMASK_KEY"])
with open(os.environ["UNMASK_PICTURE"], "rb") as file:
    url = "data:image/png;base64," + base64.b64encode(file.read()).decode()
messages = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]

completion = client.chat.completions.parse(
    model=os.environ["UNMASK_MODEL"], messages=messages, response_format=Picture
)
picture = completion.choices[0].message.parsed
print("parsed", picture.animal.kind, completion.choices[0].finish_reason)

with client.chat.completions.stream(
    model=os.environ["UNMASK_MODEL"], messages=messages, response_format=Picture
) as stream:
    for event in stream:
        pass
    print("streamed", stream.get_final_completion().choices[0].message.parsed == picture)


class Endless(BaseModel):
    word: str = Field(pattern="^[a-z]+$")


try:
    client.chat.completions.parse(
        model=os.environ["UNMASK_MODEL"], messages=messages, response_format=Endless
    )
except BadRequestError as error:
    print("refused", error.code, error.param)

shown = [
    {
        "role": "user",
        "content": [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": url, "detail": "auto"},
        ],
    }
]
first = client.responses.create(
    model=os.environ["UNMASK_MODEL"], input=shown, max_output_tokens=16
)
print("responses", first.output_text, first.status)
following = client.responses.create(
    model=os.environ["UNMASK_MODEL"], input="What is this?", previous_response_id=first.id
)
print("went on", following.output_text)
with client.responses.stream(model=os.environ["UNMASK_MODEL"], input=shown) as stream:
    deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
    print("heard", "".join(deltas) == stream.get_final_response().output_text)
seen = client.responses.parse(model=os.environ["UNMASK_MODEL"], input=shown, text_format=Animal)
print("parsed", seen.output_parsed.kind)

decided = client.decisions.create(
    model=os.environ["UNMASK_MODEL"],
    input=[{"role": "user", "content": [{"type": "input_image", "image_url": url}]}],
    questions=[
        {"type": "predicate", "instructions": "Is this an animal?"},
        {
            "type": "choice",
            "name": "kind",
            "instructions": "What is this?",
            "choices": [{"value": "cat"}, {"value": "dog"}],
        },
    ],
)
animal, kind = decided.answers
print("decided", animal.probability > 0.5, kind.name, kind.choice)
total = sum(option.probability for option in kind.probabilities)
print("sums to one", abs(total - 1) < 1e-6)
