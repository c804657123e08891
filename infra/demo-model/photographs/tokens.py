"""Evidence tokens of all cached scenes, and of made-up photographs, as the language tower trains on them.

    python -m photographs.tokens --work DIR --split train --made-up 16000

writes DIR/tokens-SPLIT.npy, labels and views. Made-up photographs are drawn in the space of the evidence: a thing that
speaks from some of the cells and from the whole, among chance evidence for others. No picture stands behind them.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap

from scenes import IGNORE, PAIRS, Placed, held_out_pair

from .cache import Shard, folders
from .evidence import FEATURES, KNOWN, PLACES, TOKENS, load
from .lite0 import CELLS
from .scenes import View

Y, X = np.mgrid[0:CELLS, 0:CELLS] / (CELLS - 1) * 2 - 1


class MadeUp:
    """Evidence as photographs give it, by chance alone."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng

    def draw(self) -> tuple[np.ndarray, np.ndarray, View]:
        """Tokens [50, FEATURES], labels [49], view."""
        rng = self.rng
        roll = rng.random()
        count = 0 if roll < 0.16 else 1 if roll < 0.82 else 2
        gated, labels = self.junk(), np.zeros(PLACES, np.int64)
        concepts = self.concepts(count)
        names = PAIRS[int(rng.integers(2))]
        whole = np.zeros(KNOWN, np.float32)
        for k, concept in enumerate(concepts):
            inside = self.blob(None if count == 1 else names[k]).flatten()
            strength = rng.uniform(0.35, 1.0) * rng.uniform(0.35, 1.0, PLACES) ** 0.7
            share = np.where(inside > 0.5, strength, np.where(inside > 0.2, strength * rng.random(PLACES), 0.0))
            gated *= 1 - share[:, None]
            gated[:, concept] += share
            labels[inside > 0.2] = IGNORE
            labels[(inside > 0.5) & (share > 0.3)] = concept + 1
            whole[concept] = rng.uniform(0.4, 1.0) / max(1, count)
        whole += (1 - whole.sum()) * rng.random() * gated.mean(0) / max(1e-6, gated.mean(0).sum()) * (0.5 if count == 0 else 1)
        gated = np.concatenate((gated, whole[None])).astype(np.float32)
        view = View([Placed(c, None if count == 1 else names[k]) for k, c in enumerate(concepts)], None, count == 0)
        return self.finish(gated), labels, view

    def concepts(self, count: int) -> list[int]:
        while True:
            chosen = self.rng.choice(KNOWN, count, replace=False).tolist()
            if count < 2 or not held_out_pair(*chosen):
                return chosen

    def junk(self) -> np.ndarray:
        """Chance evidence [49, KNOWN] for a few things, alike in neighbouring cells."""
        rng = self.rng
        pool = rng.choice(KNOWN, int(rng.integers(3, 10)), replace=False)
        mass = rng.beta(1.2, 3.0) + 0.15 * rng.normal(0, 1, (PLACES, 1))
        shares = rng.dirichlet(np.full(len(pool), 0.5), PLACES) * 0.5 + rng.dirichlet(np.full(len(pool), 0.6)) * 0.5
        out = np.full((PLACES, KNOWN), 1e-3, np.float32)
        out[:, pool] += np.clip(mass, 0.0, 0.6) * shares * 0.7
        return out

    def blob(self, side: str | None) -> np.ndarray:
        """1 inside of an ellipse, 0 outside: [7, 7]. A side keeps it in that half."""
        rng = self.rng
        x, y = rng.uniform(-0.4, 0.4, 2)
        width, height = rng.uniform(0.45, 1.5, 2)
        if side is not None:
            axis_x = "left" in side or "right" in side
            centre = -0.55 if side in ("on the left", "at the top") else 0.55
            x, y = (centre, y) if axis_x else (x, centre)
            width, height = (rng.uniform(0.3, 0.6), height) if axis_x else (width, rng.uniform(0.3, 0.6))
        far = np.sqrt(((X - x) / width) ** 2 + ((Y - y) / height) ** 2)
        return 1 / (1 + np.exp((far - 1) * 6))

    def finish(self, gated: np.ndarray) -> np.ndarray:
        rng = self.rng
        out = np.zeros((TOKENS, FEATURES), np.float32)
        out[:, :KNOWN] = gated
        rest = np.clip(1 - gated.sum(1), 0.01, 1)
        bare = np.clip(rng.beta(0.6, 1.2) + 0.2 * rng.normal(0, 1, TOKENS), 0, 1)
        out[:, KNOWN] = rest * bare
        out[:, KNOWN + 1] = rest * (1 - bare) * rng.random()
        out[:, KNOWN + 2] = np.log(np.clip(gated.sum(1), 1e-3, 1) * rng.uniform(0.5, 1, TOKENS))
        out[:, KNOWN + 3] = rng.uniform(-0.2, 1.2) + 0.15 * rng.normal(0, 1, TOKENS)
        colors = rng.normal(-0.1, 0.4) + rng.normal(0, 0.2, 3) + rng.normal(0, 0.25, (TOKENS, 3)).cumsum(0) * 0.3
        out[:, KNOWN + 4 : KNOWN + 7] = np.clip(colors, -1, 1)
        out[:, KNOWN + 7 : KNOWN + 10] = np.clip(rng.uniform(0.05, 0.4) + 0.08 * rng.normal(0, 1, (TOKENS, 1)), 0.01, 0.8)
        out[:PLACES, KNOWN + 10], out[:PLACES, KNOWN + 11], out[PLACES, KNOWN + 12] = X.flatten(), Y.flatten(), 1
        return out


class Scenes:
    """Tokens of one split, mapped from disk."""

    def __init__(self, work: Path, split: str):
        self.tokens = np.load(work / f"tokens-{split}.npy", mmap_mode="r")  # [n, 50, FEATURES] float16
        self.labels = np.load(work / f"labels-{split}.npy")  # [n, 49] int16
        self.views = [View.from_json(line) for line in (work / f"views-{split}.jsonl").read_text().splitlines()]
        self.drawn = json.loads((work / f"drawn-{split}.json").read_text())  # so many are pictures; the rest is made up


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--split", default="train")
    parser.add_argument("--made-up", type=int, default=0)
    parser.add_argument("--shards", type=int, default=None, help="at most so many are read")
    args = parser.parse_args()
    torch.set_num_threads(1)
    net = load(args.work / "evidence.pt")
    shards = [Shard(f) for f in folders(args.work, args.split)[: args.shards]]
    total = sum(len(s.labels) for s in shards) + args.made_up
    final = args.work / f"tokens-{args.split}.npy"
    new = final.with_suffix(".new.npy")
    out = open_memmap(new, "w+", np.float16, (total, TOKENS, FEATURES))
    labels, views, at = [], [], 0
    for shard in shards:
        for k in range(0, len(shard.labels), 64):
            parts = (torch.from_numpy(np.array(x[k : k + 64], np.float32)) for x in (shard.map, shard.tap, shard.color))
            with torch.autocast("cpu", torch.bfloat16, enabled=args.split == "train"):
                tokens = net(*parts)
            out[at : at + len(tokens)] = tokens.half().numpy()
            at += len(tokens)
        labels.append(shard.labels)
        views += shard.views
    made_up = MadeUp(np.random.default_rng(5))
    for _ in range(args.made_up):
        out[at], label, view = made_up.draw()
        labels.append(label[None].astype(np.int16))
        views.append(view)
        at += 1
    out.flush()
    # What trains on the old file keeps it until it ends.
    new.rename(final)
    np.save(args.work / f"labels-{args.split}.npy", np.concatenate(labels))
    (args.work / f"drawn-{args.split}.json").write_text(str(at - args.made_up))
    (args.work / f"views-{args.split}.jsonl").write_text("\n".join(v.to_json() for v in views) + "\n")
    print(f"{at} scenes, {args.made_up} of them made up")


if __name__ == "__main__":
    main()
