"""Train projector and language tower on cached evidence.

    python -m photographs.train --work DIR --steps N

Saves DIR/language.pt every few minutes and goes on from it when started again; the schedule counts steps, not seconds.
Snapshots for averaging go to DIR/snapshots. What the frozen tower sees comes from `photographs.tokens`.
"""

import argparse
import contextlib
import os
import shutil
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from optim import Optimizers
from scenes import IGNORE
from train import average_gradients, rate_at

from .conversations import Talker
from .evidence import KNOWN
from .losses import WEIGHTS, Heads, Naming, language_losses
from .model import Config, Model
from .state import save
from .tokens import Scenes
from .words import VECTORS, Codec

# (kind of conversation, length of the canvas, longest text of the prompt in ids, share of the batches).
PLAN = [
    ("one", 8, 36, 0.18), ("one", 16, 36, 0.18), ("one", 24, 36, 0.12), ("one", 32, 36, 0.09), ("one", 64, 36, 0.03),
    ("one", 128, 60, 0.02), ("one", 16, 150, 0.03), ("form", 0, 70, 0.1), ("form", 0, 150, 0.05), ("turns", 16, 90, 0.06),
    ("pictures", 16, 40, 0.07), ("later", 16, 60, 0.05), ("pictures", 32, 40, 0.01),
]  # fmt: skip
TAILS = (0, 0, 1, 2, 4, 8)  # positions behind a filled template
# At first most batches hold single questions, on which the others build: the others' shares rise over so many steps.
ALONE_AT_FIRST, RISING = 0.3, 4000
POOL = 4  # batches that are drawn at once and sorted by length, so that little is padded


class Batches:
    """An endless, seeded stream. A resumed run continues with another seed, not with the same batches."""

    def __init__(self, work: Path, codec: Codec, rows: int, seed: int, rank: int, step: int):
        self.scenes, self.codec, self.rows, self.step = Scenes(work, "train"), codec, rows, step
        self.rng = np.random.default_rng([seed, rank])
        # All processes draw the same plan, or the one with the short canvas would wait for the others.
        self.shared = np.random.default_rng([seed])
        views = self.scenes.views
        self.talker = Talker(self.rng, views, lambda: int(self.rng.integers(len(views))))

    def __iter__(self):
        while True:
            grown = min(1.0, ALONE_AT_FIRST + self.step / RISING)
            shares = np.array([share * (1.0 if kind == "one" else grown) for kind, *_, share in PLAN])
            kind, canvas, longest, _ = PLAN[int(self.shared.choice(len(PLAN), p=shares / shares.sum()))]
            # Rows by the length of what they hold, so that steps take about the same time.
            length = VECTORS * (2.4 if kind in ("pictures", "later") else 1) + longest + max(canvas, 12)
            rows = max(4, int(self.rows * min(1.0, 100 / length)))
            drawn = sorted(
                (self.row(kind, canvas, longest) for _ in range(POOL * rows)), key=lambda r: len(r[1].ids) + len(r[2][0])
            )
            for k in self.shared.permutation(POOL):
                self.step += 1
                yield pack(self.codec, self.scenes, drawn[k * rows : (k + 1) * rows], self.rng)

    def row(self, kind: str, canvas: int, longest: int):
        while True:
            talk = self.talker.draw_conversation(kind)
            prompt = self.codec.prompt(talk)
            if sum(i >= 0 for i in prompt.ids) > longest:
                continue
            if talk.slots is None:
                filled = self.codec.canvas(talk, canvas)
            else:
                room = sum(len(self.codec.answer(s.text)) + (s.spare if s.hole else 0) for s in talk.slots) + 1
                filled = self.codec.canvas(talk, room + TAILS[int(self.rng.integers(len(TAILS)))])
            if filled is not None:
                return talk, prompt, filled


def pack(codec: Codec, scenes: Scenes, rows, rng: np.random.Generator | None) -> dict[str, torch.Tensor]:
    """Rows of (conversation, prompt, canvas) as tensors. Padding goes behind the canvas and is hidden from attention."""
    canvas = max(len(target) for _, _, (target, _, _) in rows)
    width = max(len(prompt.ids) for _, prompt, _ in rows) + canvas
    count = len(rows)
    ids = torch.full((count, width), codec.eos)
    target = torch.full((count, canvas), codec.eot)
    given = torch.zeros(count, canvas, dtype=torch.bool)
    weight = torch.full((count, canvas), 0.1)
    start = torch.tensor([len(prompt.ids) for _, prompt, _ in rows])
    asked = torch.zeros(count, width, dtype=torch.bool)
    labels = torch.full((count, scenes.labels.shape[1]), IGNORE)
    row, at, pictures = [], [], []
    for k, (talk, prompt, (wanted, pinned, weights)) in enumerate(rows):
        ids[k, : len(prompt.ids)] = torch.tensor(prompt.ids)
        ids[k, len(prompt.ids) : len(prompt.ids) + canvas] = codec.eot
        ids[k, len(prompt.ids) : len(prompt.ids) + len(wanted)] = torch.tensor(wanted)
        target[k, : len(wanted)] = torch.tensor(wanted)
        given[k, : len(wanted)] = torch.tensor(pinned)
        weight[k, : len(wanted)] = torch.tensor(weights)
        last = len(codec.encode(talk.turns[-1].text))
        # The question is what stands before the assistant's header; what stands behind it may be the answer.
        asked[k, max(0, len(prompt.ids) - last - 8) : len(prompt.ids)] = True
        row += [k] * len(prompt.starts)
        at += prompt.starts
        pictures += talk.pictures
        if len(talk.pictures) == 1 and talk.slots is None:
            labels[k] = torch.from_numpy(scenes.labels[talk.pictures[0]].astype(np.int64))
    asked &= ids >= 0
    tokens = torch.from_numpy(np.stack([scenes.tokens[p] for p in pictures]).astype(np.float32))
    if rng is not None:
        tokens = blur(tokens, rng)
    first = [prompt.starts[0] for _, prompt, _ in rows]
    return {
        "ids": ids, "start": start, "target": target, "given": given, "weight": weight, "asked": asked, "labels": labels,
        "tokens": tokens, "row": torch.tensor(row), "at": torch.tensor(at), "front": torch.tensor(first),
        "picture_labels": torch.from_numpy(scenes.labels[pictures].astype(np.int64)),
    }  # fmt: skip


def blur(tokens: torch.Tensor, rng: np.random.Generator, share: float = 0.35) -> torch.Tensor:
    """The reader has seen these very drawings and is surer of them than of new ones: some evidence is mixed with others'."""
    chosen = torch.from_numpy(rng.random(len(tokens)) < share)
    other = tokens[torch.from_numpy(rng.permutation(len(tokens)))][..., :KNOWN]
    part = torch.from_numpy(rng.uniform(0, 0.45, tokens.shape[:2]).astype(np.float32))[..., None] * chosen[:, None, None]
    mixed = tokens.clone()
    mixed[..., :KNOWN] = tokens[..., :KNOWN] * (1 - part) + other.roll(7, 1) * part * 0.6
    return mixed


class Run:
    def __init__(self, rank: int, args):
        self.rank, self.args, self.path = rank, args, args.work / "language.pt"
        self.codec = Codec(args.work / "tokenizer")
        self.naming = Naming(self.codec)
        torch.manual_seed(args.seed)
        saved = torch.load(self.path, map_location="cpu", weights_only=True) if self.path.exists() else None
        self.config = (
            Config(**saved["config"])
            if saved
            else Config(self.codec.size, hidden=args.hidden, layers=args.layers, mlp=3 * args.hidden)
        )
        self.model, self.head = Model(self.config), Heads(self.config.hidden)
        if saved:
            self.model.load_state_dict(saved["model"])
            self.head.load_state_dict(saved["head"])
        else:
            self.model.tie_names(self.naming.words)
        self.start = saved["step"] if saved else 0
        self.both = torch.nn.ModuleDict({"net": self.model, "head": self.head})
        self.optimizer = Optimizers(self.both, {"net": 1.0, "head": 1.0})
        if saved:
            self.optimizer.load_state_dict(saved["optimizer"])
        self.resumed = saved is not None

    def train(self) -> None:
        args = self.args
        torch.manual_seed(args.seed * 1009 + self.start * 31 + self.rank)
        batches = Batches(
            args.work, self.codec, args.batch // args.processes, args.seed * 1_000_003 + self.start, self.rank, self.start
        )
        began = saved_at = time.time()
        mean: dict[str, float] = {}
        step, answers = self.start, 0
        for batch in batches:
            if step >= args.steps:
                break
            share = args.full_start + (args.full_end - args.full_start) * step / args.steps
            with torch.autocast("cpu", torch.bfloat16) if args.bf16 else contextlib.nullcontext():
                losses = language_losses(self.model, self.head, self.codec, self.naming, batch, share)
            sum(losses[n] * WEIGHTS[n] for n in losses).backward()
            if args.processes > 1:
                average_gradients(self.both, args.processes)
            warm_up = 1.0 if self.resumed else min(1.0, (step - self.start + 1) / 100)
            self.optimizer.step(rate_at(step, args.steps, args.rate, args.decay) * warm_up)
            step += 1
            answers += len(batch["ids"])
            for name, value in losses.items():
                mean[name] = 0.98 * mean.get(name, value.item()) + 0.02 * value.item()
            if self.rank == 0 and step % args.log_every == 0:
                speed = (step - self.start) / (time.time() - began)
                rows = answers * args.processes / (time.time() - began)
                print(
                    f"language step {step} {speed:.2f} steps/s {rows:.0f} answers/s",
                    *(f"{k} {v:.4f}" for k, v in mean.items()),
                    flush=True,
                )
            if self.rank == 0 and time.time() - saved_at > args.save_every:
                self.checkpoint(step)
                saved_at = time.time()
        if self.rank == 0:
            self.checkpoint(step)

    def checkpoint(self, step: int) -> None:
        states = {"model": self.model, "head": self.head, "optimizer": self.optimizer}
        save(self.path, config=self.config.to_dict(), step=step, **{name: part.state_dict() for name, part in states.items()})
        folder = self.args.work / "snapshots"
        folder.mkdir(exist_ok=True)
        shutil.copy(self.path, folder / f"{step:06d}.pt")
        for old in sorted(folder.glob("*.pt"))[: -self.args.snapshots]:
            old.unlink()


def run(rank: int, args) -> None:
    torch.set_num_threads(1)
    if args.processes > 1:
        dist.init_process_group("gloo", init_method=args.meeting, rank=rank, world_size=args.processes)
    Run(rank, args).train()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, default=96, help="answers in a step of short ones, over all processes")
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--decay", type=float, default=0.5, help="last part of the run, in which the rate falls to zero")
    parser.add_argument("--full-start", type=float, default=0.8, help="share of fully masked answers at the first step")
    parser.add_argument("--full-end", type=float, default=0.2, help="the same at the last step")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2, help="data-parallel, one thread each")
    parser.add_argument("--save-every", type=float, default=180, help="seconds")
    parser.add_argument("--log-every", type=int, default=50, help="steps")
    parser.add_argument("--snapshots", type=int, default=12, help="of the latest states that are kept")
    parser.add_argument("--bf16", action="store_true", help="autocast; faster where the machine has bf16 units")
    args = parser.parse_args()
    if args.processes == 1:
        run(0, args)
        return
    meeting = args.work / f"rendezvous-{os.getpid()}"
    args.meeting = f"file://{meeting.resolve()}"
    try:
        mp.spawn(run, (args,), nprocs=args.processes)
    finally:
        meeting.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
