"""Three language models over the same layers: what each may look at, what each is trained on, and how each writes an answer.

    diffusion   LLaDA-V's: every position sees every other; the answer is a canvas of masks that is filled surest first
    causal      LLaMA3-V's role: a position sees what stands before it; the answer is written token by token
    blocks      a hybrid: blocks of BLOCK positions from left to right, inside a block as diffusion
                (Block Diffusion, arXiv 2503.09573: a clean copy of the answer is what later blocks see)

A sequence is: prompt before the picture, its patches and a newline, the question right-aligned, the canvas.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from model import Config, DecoderLayer, RMSNorm

from .examples import CANVAS, PATCH, SIZE, Examples

KINDS = ["diffusion", "causal", "blocks"]
BLOCK = 4
PATCHES = (SIZE // PATCH) ** 2
FULL = 0.2  # share of the answers that are masked wholly: what the first step of every answer sees
PADDING = 0.1  # weight of the ends of turn behind the first
# Of products, in training as in writing. Against float32, bfloat16 is 1.8 times as fast on a CPU that multiplies in it (Zen 4), and
# nine times as slow on one that does not (Zen 3).
CAN = torch.cpu.get_capabilities()
PRECISION = torch.bfloat16 if CAN.get("avx512_bf16") or CAN.get("amx_bf16") else torch.float32


class Language(torch.nn.Module):
    """Projector, decoder layers and head; bigger or smaller by `hidden`."""

    def __init__(self, hidden: int, vocabulary: int):
        super().__init__()
        self.config = c = Config(vocab_size=vocabulary, hidden=hidden, heads=hidden // 32, mlp=3 * hidden)
        self.embed = torch.nn.Embedding(vocabulary, hidden)
        self.projector = torch.nn.Sequential(
            torch.nn.LayerNorm(c.vision_hidden), torch.nn.Linear(c.vision_hidden, hidden), torch.nn.GELU(), torch.nn.Linear(hidden, hidden)
        )  # fmt: skip
        self.newline = torch.nn.Parameter(torch.randn(hidden) * 0.02)
        self.layers = torch.nn.ModuleList(DecoderLayer(c) for _ in range(c.layers))
        self.norm = RMSNorm(hidden, c.rms_norm_eps)
        self.head = torch.nn.Linear(hidden, vocabulary, bias=False)
        torch.nn.init.normal_(self.embed.weight, std=0.02)
        for layer in self.layers:
            for weight in (layer.self_attn.o_proj.weight, layer.mlp.down_proj.weight):
                torch.nn.init.normal_(weight, std=0.02 / math.sqrt(2 * c.layers))

    def forward(self, before, features, question, canvas, positions, mask):
        """Logits of the canvas [n, CANVAS, V]. `positions` [n, S] and `mask` [n, S, S], True where a key may be seen."""
        n = len(features)
        visual = self.projector(features.float())
        parts = [
            self.embed(before).expand(n, -1, -1),
            visual,
            self.newline.expand(n, 1, -1),
            self.embed(question),
            self.embed(canvas),
        ]
        x = torch.cat(parts, 1)
        c = self.config
        half = c.hidden // c.heads // 2
        angle = positions[..., None] * c.rope_theta ** (-torch.arange(half) / half)
        angle = torch.cat((angle, angle), -1)[:, None]
        cos, sin = angle.cos(), angle.sin()
        mask = mask[:, None]
        for layer in self.layers[:-1]:
            x = layer(x, cos, sin, mask)
        # Of the last layer only the canvas is read, and no copy of the answer behind it.
        rows = x.shape[1] - canvas.shape[1] + torch.arange(CANVAS)
        x = self.layers[-1](x, cos, sin, mask[:, :, rows], rows.expand(n, -1))
        return self.head(self.norm(x))


class Asked:
    """What of a batch is the same at every pass: the prompt, where everything stands, who may see whom."""

    def __init__(self, kind: str, before: list[int], batch, with_copy: bool = False):
        self.kind, self.before = kind, torch.tensor(before)
        self.features, self.question, self.lengths = batch.features, batch.questions, batch.lengths
        n, width = self.question.shape
        front = len(before) + PATCHES + 1
        self.prompt = front + width
        # Padding has no position: a question stands right behind the picture, the canvas right behind the question.
        pad = width - self.lengths
        text = front + torch.arange(width)[None] - pad[:, None]
        canvas = self.prompt - pad[:, None] + torch.arange(CANVAS)
        copies = [canvas, canvas] if with_copy else [canvas]
        self.positions = torch.cat([torch.arange(front).expand(n, -1), text.clamp(min=0), *copies], 1).float()
        there = torch.cat([torch.ones(n, front, dtype=torch.bool), torch.arange(width) >= pad[:, None]], 1)
        self.mask = self.sight(there, with_copy)

    def sight(self, there, with_copy: bool):
        n, p = there.shape
        size = p + CANVAS * (2 if with_copy else 1)
        index = torch.arange(size)
        if self.kind == "diffusion":
            see = torch.ones(size, size, dtype=torch.bool)
        elif self.kind == "causal":
            see = index[:, None] >= index
        else:
            # Block of each position, −1 in the prompt; masked positions see clean ones of earlier blocks and their own block.
            block = torch.where(index < p, -1, (index - p) % CANVAS // BLOCK)
            clean = (index < p) | (index >= p + CANVAS) if with_copy else torch.ones(size, dtype=torch.bool)
            earlier = block[:, None] > block
            own = (block[:, None] == block) & (clean[:, None] == clean)
            see = own | (earlier & clean) if with_copy else own | earlier
        see = see.expand(n, size, size).clone()
        see[:, :, :p] &= there[:, None]
        see[:, index, index] = True  # a padded position sees itself, or its softmax would have nothing
        return see

    def logits(self, model: Language, canvas):
        with torch.autocast("cpu", torch.bfloat16, enabled=PRECISION is torch.bfloat16):
            return model(self.before, self.features, self.question, canvas, self.positions, self.mask).float()


def weights_of(answers, eot: int):
    """1 up to the first end of turn, PADDING behind it."""
    ended = (answers == eot).cumsum(1)
    return torch.where(ended > 1, PADDING, 1.0)


def mean_by_row(losses, weights):
    """Every answer counts alike, however much of it is masked."""
    return ((losses * weights).sum(1) / weights.sum(1).clamp(min=1e-6)).mean()


def cross_entropy(logits, answers):
    return F.cross_entropy(logits.flatten(0, 1), answers.flatten(), reduction="none").view_as(answers)


def loss(kind: str, model: Language, codec, batch):
    """What one step minimises, of a batch of Examples."""
    answers = batch.answers
    n = len(answers)
    weights = weights_of(answers, codec.eot)
    if kind == "causal":
        # The last token of the prompt says the first of the answer: the canvas is shifted by one.
        started = torch.cat((batch.questions[:, -1:], answers[:, :-1]), 1)
        asked = Asked(kind, codec.before, shifted(batch))
        return mean_by_row(cross_entropy(asked.logits(model, started), answers), weights)
    if kind == "diffusion":
        t = torch.rand(n, 1) * 0.98 + 0.02
        t[torch.rand(n, 1) < FULL] = 1.0
        masked = torch.rand(n, CANVAS) < t
        masked[~masked.any(1)] = True
        canvas = torch.where(masked, codec.mask, answers)
        logits = Asked(kind, codec.before, batch).logits(model, canvas)
    else:
        t = (torch.rand(n, CANVAS // BLOCK) * 0.98 + 0.02).masked_fill(torch.rand(n, CANVAS // BLOCK) < FULL, 1.0)
        masked = torch.rand(n, CANVAS) < t.repeat_interleave(BLOCK, 1)
        masked[~masked.any(1)] = True
        canvas = torch.cat((torch.where(masked, codec.mask, answers), answers), 1)
        logits = Asked(kind, codec.before, batch, with_copy=True).logits(model, canvas)
    return mean_by_row(cross_entropy(logits, answers), weights * masked)


def shifted(batch):
    """A causal model's canvas begins with the prompt's last token, so that is no part of its prompt."""
    questions = torch.cat((batch.questions[:, :1], batch.questions[:, :-1]), 1)
    return Examples(batch.features, questions, batch.lengths - 1, batch.answers, batch.rows)


@dataclass
class Written:
    """Answers at temperature 0. Nothing is said of what stands behind an end of turn."""

    tokens: torch.Tensor  # [n, CANVAS]
    passes: torch.Tensor  # [n] that each answer took; one of a causal model computes one new position, the others' all
    chances: torch.Tensor  # [n, CANVAS] probability of each token when it was written


@torch.no_grad()
def write(kind: str, model: Language, codec, batch, steps: int) -> Written:
    """`steps`: passes over the canvas (diffusion) or over each block (blocks); a causal model takes one for each token."""
    if kind == "causal":
        return write_causal(model, codec, batch)
    block = CANVAS if kind == "diffusion" else BLOCK
    n = len(batch)
    asked = Asked(kind, codec.before, batch)
    canvas = torch.full((n, CANVAS), codec.mask)
    passes, chances = torch.zeros(n), torch.ones(n, CANVAS)
    places = torch.arange(CANVAS)
    for begin in range(0, CANVAS, block):
        here = (places >= begin) & (places < begin + block)
        for step in range(steps):
            # Nothing behind an end of turn is written, as in LLaDA-V's sampler.
            end = torch.where(canvas == codec.eot, places, CANVAS).min(1).values
            open_ = here & (canvas == codec.mask) & (places < end[:, None])
            if not open_.any():
                break
            passes += open_.any(1).float()
            logits = asked.logits(model, canvas)
            logits[:, :, codec.suppressed] = float("-inf")
            best, token = logits.softmax(-1).max(-1)
            count = block // steps + (step < block % steps)
            order = torch.sort(best.masked_fill(~open_, -1), dim=1, descending=True, stable=True).indices[:, :count]
            chosen = torch.zeros_like(open_).scatter_(1, order, True) & open_
            canvas, chances = torch.where(chosen, token, canvas), torch.where(chosen, best, chances)
    return Written(canvas, passes, chances)


def write_causal(model: Language, codec, batch) -> Written:
    short = shifted(batch)
    asked = Asked("causal", codec.before, short)
    canvas = torch.full((len(batch), CANVAS), codec.eot)
    written = torch.full((len(batch), CANVAS), codec.eot)
    canvas[:, 0] = batch.questions[:, -1]
    passes, chances = torch.zeros(len(batch)), torch.ones(len(batch), CANVAS)
    ended = torch.zeros(len(batch), dtype=torch.bool)
    for k in range(CANVAS):
        passes += (~ended).float()
        logits = asked.logits(model, canvas)[:, k]
        logits[:, codec.suppressed] = float("-inf")
        best, likely = logits.softmax(-1).max(-1)
        token = torch.where(ended, codec.eot, likely)
        written[:, k], chances[:, k] = token, best
        if k + 1 < CANVAS:
            canvas[:, k + 1] = token
        ended |= token == codec.eot
        if ended.all():
            break
    return Written(written, passes, chances)
