"""instructor: its default, which forces a function, and its modes of JSON Schema and of partial results."""

import os
from typing import Literal, Optional

import instructor
from instructor import Image
from openai import OpenAI
from pydantic import BaseModel, Field


class Animal(BaseModel):
    """An animal in a picture."""

    kind: Literal["dog", "cat", "whale"] = Field(description="What is this?")
    is_dog: bool = Field(description="Is this a dog?")
    count: Optional[int] = Field(None, ge=0, le=4, description="How many dogs are there?")


openai = OpenAI(base_url=os.environ["UNMASK_URL"] + "/v1", api_key=os.environ["UNMASK_KEY"])
picture = Image.from_path(os.environ["UNMASK_PICTURE"])
messages = [{"role": "user", "content": ["What do you see?", picture]}]
model = os.environ["UNMASK_MODEL"]

client = instructor.from_openai(openai)
animal = client.chat.completions.create(model=model, response_model=Animal, messages=messages)
print("tools", animal.kind)

partials = client.chat.completions.create_partial(
    model=model, response_model=Animal, messages=messages
)
print("partial", list(partials)[-1].kind)

client = instructor.from_openai(openai, mode=instructor.Mode.JSON_SCHEMA)
same = client.chat.completions.create(model=model, response_model=Animal, messages=messages)
print("json schema", same.model_dump() == animal.model_dump())

client = instructor.from_provider(
    f"openai/{model}", base_url=os.environ["UNMASK_URL"] + "/v1", api_key=os.environ["UNMASK_KEY"]
)
print("bool", client.chat.completions.create(response_model=bool, messages=messages))
