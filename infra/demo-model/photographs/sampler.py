"""LLaDA-V's sampler for one block (../sampler.py) over conversations with any number of pictures, and over templates."""

import math
from dataclasses import dataclass

import torch

from .conversations import Conversation
from .tokens import Scenes
from .words import VECTORS, Codec


@dataclass
class Reply:
    text: str
    ids: list[int]
    confidence: float  # geometric mean of the tokens' probabilities when they were written


@torch.no_grad()
def answer(model, codec: Codec, tokens, talks: list[Conversation], canvas: int, steps: int, batch: int = 48) -> list[Reply]:
    """`tokens[i]` are the evidence tokens of picture i. A template's canvas is as long as it needs, whatever `canvas` says."""
    prompts = [codec.prompt(t) for t in talks]
    canvases = [fixed(codec, t, canvas) for t in talks]
    replies: list[Reply | None] = [None] * len(talks)
    # Rows of equal layout share a forward pass, because the model has no padding mask.
    groups: dict[tuple, list[int]] = {}
    for i, (prompt, (ids, given)) in enumerate(zip(prompts, canvases)):
        groups.setdefault((len(prompt.ids), tuple(prompt.starts), len(ids), sum(given)), []).append(i)
    for members in groups.values():
        for k in range(0, len(members), batch):
            chosen = members[k : k + batch]
            for i, reply in zip(
                chosen,
                decode(
                    model,
                    codec,
                    tokens,
                    [talks[i] for i in chosen],
                    [prompts[i] for i in chosen],
                    [canvases[i] for i in chosen],
                    steps,
                ),
            ):
                replies[i] = reply
    return replies


def fixed(codec: Codec, talk: Conversation, canvas: int) -> tuple[list[int], list[bool]]:
    """What stands in a canvas before it is decoded, and which of it is given."""
    if talk.slots is None:
        return [codec.mask] * canvas, [False] * canvas
    room = sum(len(codec.answer(s.text)) + (s.spare if s.hole else 0) for s in talk.slots) + 1
    ids, given, _ = codec.canvas(talk, room)
    return [i if g else codec.mask for i, g in zip(ids, given)], given


def decode(model, codec, tokens, talks, prompts, canvases, steps) -> list[Reply]:
    rows, canvas = len(talks), len(canvases[0][0])
    front = torch.tensor([p.ids for p in prompts])
    pictures = [i for t in talks for i in t.pictures]
    y = torch.tensor([c for c, _ in canvases])
    given = torch.tensor([g for _, g in canvases])
    masked = ~given
    surprise = torch.zeros(rows, canvas, dtype=torch.double)
    stop = torch.full((rows,), canvas)
    position = torch.arange(canvas)
    free = talks[0].slots is None
    suppressed = codec.suppressed + ([codec.fill] if free else [codec.eot])
    visual = None
    if pictures:
        stacked = torch.stack([torch.as_tensor(tokens[i]).float() for i in pictures])
        visual = model.project(stacked).view(rows, -1, VECTORS, model.config.hidden)
    prefix = model.model.embed_tokens(front.clamp_min(0))
    for k, start in enumerate(prompts[0].starts):
        prefix[:, start : start + VECTORS] = visual[:, k]
    holes = int((~given[0]).sum())
    for step in range(min(steps, holes)):
        open_ = masked & (position < stop[:, None])
        if not open_.any():
            break
        x = torch.cat((prefix, model.model.embed_tokens(y)), 1)
        places = torch.arange(x.shape[1] - canvas, x.shape[1]).expand(rows, -1)
        logits = model.lm_head(model.language(x, places)).float()
        logits[:, :, suppressed] = float("-inf")
        best, token = logits.max(-1)
        confidence = torch.exp(best.double() - torch.logsumexp(logits.double(), -1)).masked_fill(~open_, -1)
        count = holes // steps + (step < holes % steps) if steps < holes else 1
        ranked = torch.sort(confidence, dim=1, descending=True, stable=True).indices[:, :count]
        chosen = torch.zeros_like(masked).scatter_(1, ranked, True) & open_
        y = torch.where(chosen, token, y)
        surprise = torch.where(chosen, -confidence.log(), surprise)
        masked &= ~chosen
        if free:
            for row in range(rows):
                found = (y[row] == codec.eot).nonzero()
                if len(found):
                    stop[row] = min(int(stop[row]), int(found[0]))
    replies = []
    for row, end in enumerate(stop.tolist()):
        ids = [i for i in y[row, :end].tolist() if i not in (codec.fill, codec.eot)]
        written = surprise[row, :end][~given[row, :end]]
        replies.append(Reply(codec.decode(ids), ids, math.exp(-written.mean()) if len(written) else 0.0))
    return replies


class Pictures:
    """Scenes of a split, or any list of tokens, by index."""

    def __init__(self, scenes: Scenes):
        self.scenes = scenes

    def __getitem__(self, index: int):
        return torch.from_numpy(self.scenes.tokens[index].astype("float32"))
