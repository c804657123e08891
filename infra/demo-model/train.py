"""Train the demo model in three stages.

    python train.py vision --work DIR --steps N    # the tower alone: which concept covers each patch
    python train.py align  --work DIR --steps N    # tower frozen: projector and language tower
    python train.py full   --work DIR --steps N    # everything, with the patch labels as a second loss

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
import torch.nn.functional as F

from concepts import CONCEPTS
from model import Config, LlavaLLaDA
from optim import Optimizers
from questions import Asker, Outside
from scenes import COLOR_NAMES, IGNORE, TRAIN_STYLES, Composer, SpritePool
from tokenizer import Codec

STAGES = ["vision", "align", "full"]
# (canvas length, share of the batches). Two objects with their places need 18 tokens.
CANVAS = [(8, 0.5), (16, 0.15), (24, 0.15), (32, 0.2)]
LONG = 34  # a longer question goes into a batch of its own


class PatchHead(torch.nn.Module):
    """Training only. Stands on post_layernorm, which the finished model stores and does not use."""

    def __init__(self, c: Config):
        super().__init__()
        self.concept = torch.nn.Linear(c.vision_hidden, len(CONCEPTS) + 1)
        self.color = torch.nn.Linear(c.vision_hidden, len(COLOR_NAMES))

    def loss(self, model, features, labels, colors):
        x = model.model.vision_tower.vision_tower.vision_model.post_layernorm(features)
        patches = F.cross_entropy(self.concept(x).flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORE)
        color = F.cross_entropy(self.color(x.mean(1)).float(), colors, ignore_index=IGNORE)
        return patches + 0.2 * color


def to_pixels(images: torch.Tensor) -> torch.Tensor:
    """uint8 [n, size, size, 3] to (x / 255 - 0.5) / 0.5, channels first."""
    return (images.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5


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
            long = codec is not None and shared.random() < 0.02
            scenes = [composer.compose() for _ in range(self.batch // 4 if long else self.batch)]
            out = {
                "images": torch.from_numpy(np.stack([s.image for s in scenes])),
                "labels": torch.from_numpy(np.stack([s.labels for s in scenes])),
                "colors": torch.tensor([IGNORE if s.color is None else s.color for s in scenes]),
            }
            if codec is not None:
                out.update(self.turns(scenes, canvas, long, codec, asker, rng))
            yield out

    def turns(self, scenes, canvas, long, codec, asker, rng):
        after, answers = [], []
        for scene in scenes:
            for _ in range(self.questions):
                while True:
                    family = asker.family(scene, long_answers=canvas > 16)
                    if long and rng.random() < 0.7:
                        question, answer = asker.outside.ask("long"), "I am not sure."
                    else:
                        question, answer, _ = asker.ask(scene, family)
                    ids, reply = codec.after(question), codec.answer(answer)
                    if len(reply) < canvas and (long or len(ids) <= LONG):
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


def mask_answers(rows: int, canvas: int, share_full: float) -> torch.Tensor:
    """LLaDA's forward process on the canvas: each token masked with probability t; t is uniform, or 1."""
    t = torch.rand(rows, 1) * 0.98 + 0.02
    t[torch.rand(rows, 1) < share_full] = 1.0
    masked = torch.rand(rows, canvas) < t
    # A row without any mask teaches nothing.
    masked[~masked.any(1)] = True
    return masked


def diffusion_loss(model, codec, features, batch, share_full):
    """Mean cross-entropy over the masked tokens of each answer: in expectation LLaDA's sum weighted by 1/t."""
    target, device = batch["target"], features.device
    rows, canvas = target.shape
    masked = mask_answers(rows, canvas, share_full)
    places = batch["start"][:, None] + torch.arange(canvas)
    ids = batch["ids"].scatter(1, places, torch.where(masked, torch.tensor(codec.mask), target))
    visual = model.project(features).repeat_interleave(rows // features.shape[0], 0)
    before = torch.tensor(codec.before).expand(rows, -1)
    embeddings = model.embed(before.to(device), visual, ids.to(device))
    front = embeddings.shape[1] - ids.shape[1]
    seen = torch.arange(embeddings.shape[1]) < (front + batch["start"] + canvas)[:, None]
    hidden = model.language(embeddings, (front + places).to(device), seen.to(device))
    logits = model.lm_head(hidden[masked.to(device)]).float()
    losses = F.cross_entropy(logits, target[masked].to(device), reduction="none")
    weights = batch["weight"] * masked
    weights = (weights / weights.sum(1, keepdim=True))[masked].to(device)
    return (losses * weights).sum() / rows


def rate_at(step: int, steps: int, peak: float, decay: float) -> float:
    """Warm up over 100 steps, hold, then fall linearly to zero over the last `decay` of the run."""
    left = (steps - step) / (steps * decay)
    return peak * min(1.0, (step + 1) / 100, max(0.0, left))


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


def run(rank: int, args) -> None:
    if args.processes > 1:
        torch.set_num_threads(1)
        dist.init_process_group("gloo", init_method=args.meeting, rank=rank, world_size=args.processes)
    torch.manual_seed(args.seed)
    codec = Codec(args.work / "tokenizer")
    path = args.work / f"{args.stage}.pt"
    source = path
    if not path.exists() and args.stage != "vision":
        source = args.work / f"{STAGES[STAGES.index(args.stage) - 1]}.pt"
    saved = torch.load(source, map_location="cpu", weights_only=True) if source.exists() else None
    resumed = saved is not None and source == path
    fresh = args.stage == "vision" or (args.stage == "align" and not resumed)
    config = Config(vocab_size=codec.size) if fresh else Config(**saved["config"])
    model, head = LlavaLLaDA(config), PatchHead(config)
    if saved is not None:
        weights = saved["model"]
        if fresh:
            # The language tower has not been trained yet, and its sizes may have changed since.
            weights = {n: t for n, t in weights.items() if n.startswith("model.vision_tower")}
        model.load_state_dict(weights, strict=not fresh)
        head.load_state_dict(saved["head"])
    model.to(args.device)
    head.to(args.device)

    start = saved["step"] if resumed else 0
    batches = Batches(
        args.work, config, args.stage, args.batch // args.processes, args.questions, args.seed * 1_000_003 + start, rank
    )
    if args.stage == "align" and not resumed:
        standardise(model, Batches(args.work, config, "vision", 64, 0, args.seed, 0), args.device)
    tower = "model.vision_tower"
    if args.stage == "align":
        model.model.vision_tower.requires_grad_(False)
    groups = {
        "vision": {f"net.{tower}": 1.0, "head": 1.0},
        "align": {
            n: 1.0
            for n in ("net.model.embed", "net.model.layers", "net.model.norm", "net.model.image", "net.model.mm", "net.lm_head")
        },
    }
    groups["full"] = {**groups["align"], f"net.{tower}": 0.5, "head": 0.5}
    both = torch.nn.ModuleDict({"net": model, "head": head})
    optimizer = Optimizers(both, groups[args.stage])
    if resumed:
        optimizer.load_state_dict(saved["optimizer"])

    def checkpoint(step):
        save(
            path,
            config=config.to_dict(),
            model=model.state_dict(),
            head=head.state_dict(),
            optimizer=optimizer.state_dict(),
            step=step,
        )

    # The initial weights are equal in all processes; the masks must not be.
    torch.manual_seed(args.seed * 1009 + start * 31 + rank)
    began = saved_at = time.time()
    mean = {}
    step = start
    for batch in batches:
        if step >= args.steps:
            break
        pixels = to_pixels(batch["images"].to(args.device))
        labels, colors = batch["labels"].to(args.device), batch["colors"].to(args.device)
        cast = torch.autocast(args.device.split(":")[0], torch.bfloat16) if args.bf16 else contextlib.nullcontext()
        losses = {}
        with cast:
            with torch.set_grad_enabled(args.stage != "align"):
                features = model.features(pixels)
            if args.stage != "align":
                losses["patch"] = head.loss(model, features, labels, colors)
            if args.stage != "vision":
                progress = step / args.steps
                share = args.full_start + (args.full_end - args.full_start) * progress
                losses["answer"] = diffusion_loss(model, codec, features, batch, share)
        (losses.get("answer", 0) + losses.get("patch", 0) * (1.0 if args.stage == "vision" else 0.3)).backward()
        if args.processes > 1:
            average_gradients(both, args.processes)
        optimizer.step(rate_at(step, args.steps, args.rate, args.decay))
        step += 1
        for name, value in losses.items():
            mean[name] = 0.99 * mean.get(name, value.item()) + 0.01 * value.item()
        if rank == 0 and step % 200 == 0:
            speed = (step - start) / (time.time() - began)
            print(f"{args.stage} step {step} {speed:.2f} steps/s", *(f"{k} {v:.4f}" for k, v in mean.items()), flush=True)
        if rank == 0 and time.time() - saved_at > args.save_every:
            checkpoint(step)
            saved_at = time.time()
    if rank == 0:
        checkpoint(step)


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
