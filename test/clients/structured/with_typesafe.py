"""Jev's own client: its models, and typed questions about a picture: its own in a form, and one in the body beside what it knows."""

import base64
import os
from pathlib import Path

from typesafe_sdk import Choice, Image, Noul, Score, TypeSafeBadRequestError, TypeSafeClient

path = Path(os.environ["UNMASK_PICTURE"])
url = "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()

with TypeSafeClient(base_url=os.environ["UNMASK_URL"], api_key=os.environ["UNMASK_KEY"]) as client:
    print("models", client.models.list().models[0].name == os.environ["UNMASK_MODEL"])
    seen = client.system_one(
        state="A picture.",
        questions={
            "animal": Noul(instructions="Is this an animal?"),
            "thing": Choice(instructions="What is this?", criteria={"cat": None, "dog": None}),
            "background": Score(
                instructions="What color is the background?", criteria=["white", "blue"]
            ),
        },
        extra_body={"images": [url]},
    )
    print("noul", seen.answers["animal"].noul > 0.5)
    print("choice", seen.answers["thing"].choice)
    print("score", 0 <= seen.answers["background"].score <= 1)
    try:
        client.system_one(state="A picture.", questions={"it": Noul(instructions="Is it?")}, model="jev-9")
    except TypeSafeBadRequestError as error:
        print("refused", "jev-9" in str(error))
    image = Image(path)
    thing = Choice(instructions="What is this?", criteria={"cat": None, "dog": None})
    print("image", client.system_one(state=image, questions={"thing": thing}).answers["thing"].choice)
    both = {"first": image, "second": Image(path.read_bytes())}
    named = client.system_one(state="See second.", questions={"thing": thing}, assets=both)
    print("assets", len(named.answers))
