"""pydantic-ai: its default, which requires an output tool, native output, and a stream."""

import asyncio
import os
from pathlib import Path
from typing import Literal, Optional

from pydantic import BaseModel, Field
from pydantic_ai import Agent, BinaryContent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


class Animal(BaseModel):
    """An animal in a picture."""

    kind: Literal["dog", "cat", "whale"] = Field(description="What is this?")
    is_dog: bool = Field(description="Is this a dog?")
    count: Optional[int] = Field(None, ge=0, le=4, description="How many dogs are there?")


model = OpenAIChatModel(
    os.environ["UNMASK_MODEL"],
    provider=OpenAIProvider(
        base_url=os.environ["UNMASK_URL"] + "/v1", api_key=os.environ["UNMASK_KEY"]
    ),
)
picture = BinaryContent(Path(os.environ["UNMASK_PICTURE"]).read_bytes(), media_type="image/png")
prompt = ["What do you see?", picture]

animal = Agent(model, output_type=Animal).run_sync(prompt).output
print("tool", animal.kind)

same = Agent(model, output_type=NativeOutput(Animal)).run_sync(prompt).output
print("native", same == animal)


async def streamed() -> Animal:
    async with Agent(model, output_type=Animal).run_stream(prompt) as result:
        return await result.get_output()


print("streamed", asyncio.run(streamed()) == animal)
