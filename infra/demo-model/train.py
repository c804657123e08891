"""Train the demo model in three stages.

    python train.py vision --work DIR --steps N    # the tower alone: which concept covers each patch
    python train.py align  --work DIR --steps N    # tower frozen: projector and language tower
    python train.py full   --work DIR --steps N    # everything, with the losses that tie words to patches

Each stage starts from the result of the one before, saves DIR/<stage>.pt every few minutes and goes on
from it when started again. The schedule counts steps, not seconds.
"""

import argparse
import contextlib
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from losses import WEIGHTS, Heads, Naming, language_losses, to_pixels
from model import Config, LlavaLLaDA
from optim import Optimizers
from questions import Asker, Outside
from scenes import IGNORE, TRAIN_STYLES, Composer, SpritePool
from tokenizer import Codec

STAGES = ["vision", "align", "full"]
# (canvas length, share of the batches). Two objects with their places need 18 tokens.
CANVAS = [(8, 0.52), (16, 0.2), (24, 0.18), (32, 0.1)]
LONG = 34  # a longer question goes into a batch of its own
# Shares of the batches with long questions and with conversations of two turns.
LONG_SHARE, FOLLOW_SHARE = 0.02, 0.08


class Batches:
    """An endless, seeded stream. A resumed run continues with another seed, not with the same batches."""

    def __init__(self, work: Path, config: Config, stage: str, batch: int, questions: int, seed: int, rank: int):
        self.work, self.config, self.stage, self.batch, self.questions = work, config, stage, batch, questions
        self.seed, self.rank = seed, rank

    def __iter__(self):
        rng = np.random.default_rng([self.seed, STAGES.index(self.stage), self.rank])
        # All processes draw the same lengths, or the one with the short canvas would wait for the others.
        shared = np.random.default_rng([self.seed, STAGES.index(self.stage)])
        pool = SpritePool(self.work / "sprites.npz", TRAIN_STYLES, rng)
        composer = Composer(pool, rng, self.config.image_size, self.config.patch_size)
        codec = None if self.stage == "vision" else Codec(self.work / "tokenizer")
        asker = Asker(rng, Outside(rng))
        while True:
            canvas = int(shared.choice([c for c, _ in CANVAS], p=[p for _, p in CANVAS]))
            # Few batches hold the long texts, so that the others stay short.
            roll = 1.0 if codec is None else shared.random()
            long, follow = roll < LONG_SHARE, LONG_SHARE <= roll < LONG_SHARE + FOLLOW_SHARE
            scenes = [composer.compose() for _ in range(self.batch // 4 if long else self.batch)]
            out = {
                "images": torch.from_numpy(np.stack([s.image for s in scenes])),
                "labels": torch.from_numpy(np.stack([s.labels for s in scenes])),
                "colors": torch.tensor([IGNORE if s.color is None else s.color for s in scenes]),
            }
            if codec is not None:
                out.update(self.turns(scenes, canvas, long, follow, codec, asker, rng))
            yield out

    def turns(self, scenes, canvas, long, follow, codec, asker, rng):
        after, answers = [], []
        for scene in scenes:
            for _ in range(self.questions):
                while True:
                    family = asker.family(scene, long_answers=canvas > 16, follow=follow)
                    if follow and scene.objects and rng.random() < 0.5:
                        family = "follow"
                    if long and rng.random() < 0.7:
                        question, answer = asker.outside.ask("long"), "I am not sure."
                    else:
                        question, answer, _ = asker.ask(scene, family)
                    ids, reply = codec.after(question), codec.answer(answer)
                    if len(reply) < canvas and (long or follow or len(ids) <= LONG):
                        break
                after.append(ids)
                answers.append(reply + [codec.eot] * (canvas - len(reply)))
        # Padding goes behind the canvas and is hidden from attention: the server never pads.
        width = max(map(len, after)) + canvas
        ids = torch.full((len(after), width), codec.eos)
        weight = torch.full((len(after), canvas), 0.1)
        for row, (question, reply) in enumerate(zip(after, answers)):
            ids[row, : len(question) + canvas] = torch.tensor(question + reply)
            weight[row, : reply.index(codec.eot) + 1] = 1.0
        return {"ids": ids, "start": torch.tensor([len(q) for q in after]), "target": torch.tensor(answers), "weight": weight}


def rate_at(step: int, steps: int, peak: float, decay: float) -> float:
    """Hold, then fall linearly to zero over the last `decay` of the run."""
    left = (steps - step) / (steps * decay)
    return peak * min(1.0, max(0.0, left))


@torch.no_grad()
def standardise(model, batches, device):
    features = []
    for batch in batches:
        features.append(model.features(to_pixels(batch["images"].to(device))).float().flatten(0, 1))
        if len(features) == 16:
            break
    features = torch.cat(features)
    model.feature_mean.copy_(features.mean(0))
    model.feature_std.copy_(features.std(0))


def save(path: Path, **parts):
    torch.save(parts, f"{path}.new")
    os.replace(f"{path}.new", path)


def average_gradients(module, processes: int) -> None:
    grads = [p.grad for p in module.parameters() if p.grad is not None]
    flat = torch.cat([g.flatten() for g in grads])
    dist.all_reduce(flat)
    flat /= processes
    for grad, part in zip(grads, flat.split([g.numel() for g in grads])):
        grad.copy_(part.view_as(grad))


# Trained in each stage: prefix of parameter names -> factor on the rate.
LANGUAGE = {
    f"net.{n}": 1.0 for n in ("model.embed", "model.layers", "model.norm", "model.image", "model.mm", "lm_head")
}
GROUPS = {
    "vision": {"net.model.vision_tower": 1.0, "head": 1.0},
    "align": {**LANGUAGE, "head.point": 1.0, "head.order": 1.0},
    "full": {**LANGUAGE, "net.model.vision_tower": 0.5, "head": 0.5},
}


class Run:
    """One stage in one process."""

    def __init__(self, rank: int, args):
        self.rank, self.args, self.stage = rank, args, args.stage
        self.codec = Codec(args.work / "tokenizer")
        self.naming = Naming(self.codec)
        self.path = args.work / f"{args.stage}.pt"
        torch.manual_seed(args.seed)
        saved, resumed = self.load()
        self.start = saved["step"] if resumed else 0
        self.batches = self.stream(args.stage, args.batch // args.processes, args.questions, args.seed * 1_000_003 + self.start)
        if args.stage == "align":
            if not resumed:
                standardise(self.model, self.stream("vision", 64, 0, args.seed, rank=0), args.device)
            self.model.model.vision_tower.requires_grad_(False)
            self.head.concept.requires_grad_(False)
            self.head.color.requires_grad_(False)
        self.both = torch.nn.ModuleDict({"net": self.model, "head": self.head})
        self.optimizer = Optimizers(self.both, GROUPS[args.stage])
        self.warm = resumed and "optimizer" in saved
        if self.warm:
            self.optimizer.load_state_dict(saved["optimizer"])

    def load(self) -> tuple[dict | None, bool]:
        """The checkpoint of this stage or of the one before, and whether it is this stage's. Makes the model and the heads."""
        args, source = self.args, self.path
        if not source.exists() and self.stage != "vision":
            source = args.work / f"{STAGES[STAGES.index(self.stage) - 1]}.pt"
        saved = torch.load(source, map_location="cpu", weights_only=True) if source.exists() else None
        resumed = saved is not None and source == self.path
        fresh = self.stage == "vision" or (self.stage == "align" and not resumed)
        self.config = Config(vocab_size=self.codec.size) if fresh else Config(**saved["config"])
        self.model, self.head = LlavaLLaDA(self.config), Heads(self.config)
        if saved is not None:
            weights = saved["model"]
            if fresh:
                # The language tower has not been trained yet, and its sizes may have changed since.
                weights = {n: t for n, t in weights.items() if n.startswith("model.vision_tower")}
            self.model.load_state_dict(weights, strict=not fresh)
            # A checkpoint of an older version lacks the heads that point.
            self.head.load_state_dict(saved["head"], strict=False)
        self.model.to(args.device)
        self.head.to(args.device)
        return saved, resumed

    def stream(self, stage: str, batch: int, questions: int, seed: int, rank: int | None = None) -> Batches:
        return Batches(self.args.work, self.config, stage, batch, questions, seed, self.rank if rank is None else rank)

    def losses(self, batch: dict, step: int) -> dict[str, torch.Tensor]:
        args = self.args
        labels, colors = batch["labels"].to(args.device), batch["colors"].to(args.device)
        losses = {}
        with torch.set_grad_enabled(self.stage != "align"):
            features = self.model.features(to_pixels(batch["images"].to(args.device)))
        if self.stage != "align":
            losses["patch"] = self.head.patch_loss(self.model, features, labels, colors)
        if self.stage != "vision":
            share = args.full_start + (args.full_end - args.full_start) * step / args.steps
            losses.update(language_losses(self.model, self.head, self.codec, self.naming, features, batch, labels, share))
        return losses

    def train(self) -> None:
        args = self.args
        # The initial weights are equal in all processes; the masks must not be.
        torch.manual_seed(args.seed * 1009 + self.start * 31 + self.rank)
        began = saved_at = time.time()
        mean: dict[str, float] = {}
        step = self.start
        for batch in self.batches:
            if step >= args.steps:
                break
            cast = torch.autocast(args.device.split(":")[0], torch.bfloat16) if args.bf16 else contextlib.nullcontext()
            with cast:
                losses = self.losses(batch, step)
            sum(losses[n] * (1.0 if self.stage == "vision" else WEIGHTS[n]) for n in losses).backward()
            if args.processes > 1:
                average_gradients(self.both, args.processes)
            # A new optimizer starts slowly, at whatever step it does.
            warm_up = 1.0 if self.warm else min(1.0, (step - self.start + 1) / 100)
            self.optimizer.step(rate_at(step, args.steps, args.rate, args.decay) * warm_up)
            step += 1
            for name, value in losses.items():
                mean[name] = 0.99 * mean.get(name, value.item()) + 0.01 * value.item()
            if self.rank == 0 and step % args.log_every == 0:
                speed = (step - self.start) / (time.time() - began)
                print(f"{self.stage} step {step} {speed:.2f} steps/s", *(f"{k} {v:.4f}" for k, v in mean.items()), flush=True)
            if self.rank == 0 and time.time() - saved_at > args.save_every:
                self.checkpoint(step)
                saved_at = time.time()
        if self.rank == 0:
            self.checkpoint(step)

    def checkpoint(self, step: int) -> None:
        states = {"model": self.model, "head": self.head, "optimizer": self.optimizer}
        save(self.path, config=self.config.to_dict(), step=step, **{name: part.state_dict() for name, part in states.items()})


def run(rank: int, args) -> None:
    if args.processes > 1:
        torch.set_num_threads(1)
        dist.init_process_group("gloo", init_method=args.meeting, rank=rank, world_size=args.processes)
    Run(rank, args).train()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, default=32, help="different pictures in a step, over all processes")
    parser.add_argument("--questions", type=int, default=1, help="about each picture")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--decay", type=float, default=0.4, help="last part of the run, in which the rate falls to zero")
    parser.add_argument("--full-start", type=float, default=0.8, help="share of fully masked answers at the first step")
    parser.add_argument("--full-end", type=float, default=0.2, help="the same at the last step")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2, help="data-parallel, one thread each; on a GPU use 1")
    parser.add_argument("--save-every", type=float, default=180, help="seconds")
    parser.add_argument("--log-every", type=int, default=200, help="steps")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--bf16", action="store_true", help="autocast; only faster where the machine has bf16 units")
    args = parser.parse_args()
    if args.processes == 1:
        run(0, args)
        return
    # One thread in each of several processes: threads that share an operation wait for each other
    # thousands of times a step, which is slow on a machine with other work to do.
    meeting = args.work / f"rendezvous-{os.getpid()}"
    args.meeting = f"file://{meeting.resolve()}"
    try:
        mp.spawn(run, (args,), nprocs=args.processes)
    finally:
        meeting.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
