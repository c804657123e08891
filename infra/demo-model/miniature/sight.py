"""Whether each kind looks at what it should: the batched masks and positions against sequences written out one by one.

Called by `smoke.py`. Random weights do: a position that is seen, or stands, where it should not changes every logit.
"""

import torch

from .examples import CANVAS, Examples
from .kinds import BLOCK, Asked, Language, shifted

TOLERANCE = 1e-4  # of logits of some size 1, in float32


def alone(model: Language, before: list[int], features, ids, causal: bool):
    """Logits of a sequence without padding: every position sees every other, or those before it. `ids` stand behind the picture."""
    x = torch.cat((model.embed(torch.tensor(before)), model.projector(features.float()), model.newline[None], model.embed(ids)))[
        None
    ]
    c = model.config
    half = c.hidden // c.heads // 2
    angle = torch.outer(torch.arange(x.shape[1]).float(), c.rope_theta ** (-torch.arange(half) / half)).repeat(1, 2)
    mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril() if causal else None
    for layer in model.layers:
        x = layer(x, angle.cos(), angle.sin(), mask)
    return model.head(model.norm(x))[0]


def batched(kind: str, model: Language, codec, batch: Examples, canvas, with_copy: bool = False):
    """As `Asked.logits`, in float32."""
    asked = Asked(kind, codec.before, batch, with_copy)
    return model(asked.before, asked.features, asked.question, canvas, asked.positions, asked.mask)


def near(got, wanted, what: str) -> None:
    if not torch.allclose(got, wanted, atol=TOLERANCE):
        raise SystemExit(f"{what}: logits are off by {float((got - wanted).abs().max()):.4f}")


@torch.no_grad()
def verify_sight(codec, batch: Examples) -> None:
    model = Language(64, codec.size).eval()
    half = torch.where(torch.arange(CANVAS) % 2 == 0, codec.mask, batch.answers)
    diffusion = batched("diffusion", model, codec, batch, half)
    started = torch.cat((batch.questions[:, -1:], batch.answers[:, :-1]), 1)
    causal = batched("causal", model, codec, shifted(batch), started)
    for k, length in enumerate(batch.lengths.tolist()):
        question = batch.questions[k, batch.questions.shape[1] - length :]
        one = alone(model, codec.before, batch.features[k], torch.cat((question, half[k])), causal=False)
        near(diffusion[k], one[-CANVAS:], "diffusion")
        one = alone(model, codec.before, batch.features[k], torch.cat((question, batch.answers[k, :-1])), causal=True)
        near(causal[k], one[-CANVAS:], "causal")
    # Each masked block is trained on what it sees when it is written: the blocks before it filled, those behind it not there.
    both = torch.cat((torch.full_like(half, codec.mask), batch.answers), 1)
    trained = batched("blocks", model, codec, batch, both, with_copy=True)
    for begin in range(0, CANVAS, BLOCK):
        canvas = torch.where(torch.arange(CANVAS) < begin, batch.answers, codec.mask)
        here = slice(begin, begin + BLOCK)
        near(trained[:, here], batched("blocks", model, codec, batch, canvas)[:, here], "blocks")
