"""LLaDA-V's sampler for one block: temperature 0, low-confidence order, stop at the first end of turn."""

import math

import numpy as np
import torch

from tokenizer import Codec


def pixels(images: list[np.ndarray]) -> torch.Tensor:
    """uint8 squares to (x / 255 - 0.5) / 0.5, channels first."""
    stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()
    return (stacked / 255 - 0.5) / 0.5


def generate(
    model, codec: Codec, images: list[np.ndarray], questions: list[str | list[str]], canvas: int, steps: int, batch: int = 64
) -> list[list[int]]:
    """Answer ids (cut before the end of turn), for pictures that already have the model's size."""
    return [ids for ids, _ in generate_scored(model, codec, images, questions, canvas, steps, batch)]


@torch.no_grad()
def generate_scored(
    model, codec: Codec, images: list[np.ndarray], questions: list[str | list[str]], canvas: int, steps: int, batch: int = 64
) -> list[tuple[list[int], float]]:
    """Answer ids and the answer's confidence: the geometric mean of its tokens' probabilities, 0 for an empty answer."""
    after = [codec.after(q) for q in questions]
    answers: list[tuple[list[int], float]] = [([], 0.0) for _ in questions]
    # Rows of equal length share a forward pass, because the model has no padding mask.
    order = sorted(range(len(questions)), key=lambda i: len(after[i]))
    groups: list[list[int]] = []
    for i in order:
        if groups and len(groups[-1]) < batch and len(after[groups[-1][0]]) == len(after[i]):
            groups[-1].append(i)
        else:
            groups.append([i])
    for group in groups:
        visual = model.project(model.features(pixels([images[i] for i in group])))
        for i, scored in zip(group, decode(model, codec, visual, torch.tensor([after[i] for i in group]), canvas, steps)):
            answers[i] = scored
    return answers


def decode(model, codec: Codec, visual, after, canvas: int, steps: int) -> list[tuple[list[int], float]]:
    rows = after.shape[0]
    before = torch.tensor(codec.before).expand(rows, -1)
    y = torch.full((rows, canvas), codec.mask)
    masked = torch.ones(rows, canvas, dtype=torch.bool)
    surprise = torch.zeros(rows, canvas, dtype=torch.double)  # -log of each token's probability when it was written
    stop = torch.full((rows,), canvas)
    position = torch.arange(canvas)
    for step in range(steps):
        open_ = masked & (position < stop[:, None])
        if not open_.any():
            break
        x = model.embed(before, visual, torch.cat((after, y), 1))
        places = torch.arange(x.shape[1] - canvas, x.shape[1]).expand(rows, -1)
        logits = model.lm_head(model.language(x, places)).float()
        logits[:, :, codec.suppressed] = float("-inf")
        best, token = logits.max(-1)
        confidence = torch.exp(best.double() - torch.logsumexp(logits.double(), -1)).masked_fill(~open_, -1)
        count = canvas // steps + (step < canvas % steps)
        ranked = torch.sort(confidence, dim=1, descending=True, stable=True).indices[:, :count]
        chosen = torch.zeros_like(masked).scatter_(1, ranked, True) & open_
        y = torch.where(chosen, token, y)
        surprise = torch.where(chosen, -confidence.log(), surprise)
        masked &= ~chosen
        for row in range(rows):
            found = (y[row] == codec.eot).nonzero()
            if len(found):
                stop[row] = min(int(stop[row]), int(found[0]))
    answers = []
    for row, end in enumerate(stop.tolist()):
        answers.append((y[row, :end].tolist(), math.exp(-surprise[row, :end].mean()) if end > 0 else 0.0))
    return answers
