"""Evidence tokens of all cached scenes, and of made-up photographs, as the language tower trains on them.

    python -m photographs.tokens --work DIR --split train --made-up 20000

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
from .concepts import CONCEPTS
from .evidence import FEATURES, KNOWN, PLACES, TOKENS, load
from .lite0 import CELLS
from .scenes import View

Y, X = np.mgrid[0:CELLS, 0:CELLS] / (CELLS - 1) * 2 - 1


class MadeUp:
    """Evidence as photographs give it, by chance alone. How wide each number is drawn follows the quantiles of the `choose` half of
    the pictures (pictures.py): how much a thing that is there has in its cells and in the whole, how many others speak by mistake
    and from how many cells, and what the classifier makes of things outside of the vocabulary."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng

    def draw(self) -> tuple[np.ndarray, np.ndarray, View]:
        """Tokens [50, FEATURES], labels [49], view."""
        rng = self.rng
        roll = rng.random()
        count = 0 if roll < 0.3 else 1 if roll < 0.87 else 2
        concepts = self.concepts(count)
        gated, whole = self.mistakes(concepts, known=count > 0)
        labels = np.zeros(PLACES, np.int64)
        names = PAIRS[int(rng.integers(2))]
        sure = rng.beta(2.6, 0.45)
        for k, concept in enumerate(concepts):
            inside = self.blob(None if count == 1 else names[k]).flatten()
            strength = rng.uniform(0.55, 1.0) if rng.random() < 0.2 else rng.uniform(0.85, 1.0)
            strength = strength * rng.uniform(0.5, 1.0, PLACES) ** 0.5
            share = np.where(inside > 0.5, strength, np.where(inside > 0.2, strength * rng.random(PLACES), 0.0))
            gated *= 1 - share[:, None]
            gated[:, concept] += share
            labels[inside > 0.2] = IGNORE
            labels[(inside > 0.5) & (share > 0.3)] = concept + 1
            whole *= 1 - sure / count
            whole[concept] += sure * (1.0 if count == 1 else rng.uniform(0.3, 0.65))
        view = View([Placed(c, None if count == 1 else names[k]) for k, c in enumerate(concepts)], None, count == 0)
        return self.finish(np.concatenate((gated, whole[None])).astype(np.float32), count > 0), labels, view

    def concepts(self, count: int) -> list[int]:
        while True:
            chosen = self.rng.choice(KNOWN, count, replace=False).tolist()
            if count < 2 or not held_out_pair(*chosen):
                return chosen

    def mistakes(self, concepts: list[int], known: bool) -> tuple[np.ndarray, np.ndarray]:
        """Evidence for what is not there: [49, KNOWN] in blots of a few cells, [KNOWN] of the whole."""
        rng = self.rng
        others = np.setdiff1d(rng.permutation(KNOWN), concepts)
        if concepts and rng.random() < 0.4:
            kind = CONCEPTS[concepts[0]]["kind"]
            others = np.array([k for k in others if CONCEPTS[k]["kind"] == kind] or others)
        pool = rng.permutation(others)[: int(rng.poisson(2.2 if known else 5.0)) + (not known)]
        faint = rng.beta(1.0, 6.0) * rng.dirichlet(np.full(KNOWN, 0.1), PLACES)
        gated = 1e-3 * rng.random((PLACES, KNOWN)) + faint
        for concept in pool:
            x, y = rng.uniform(-1.1, 1.1, 2)
            near = np.argsort((X.flatten() - x) ** 2 + (Y.flatten() - y) ** 2)[: int(rng.integers(1, 7))]
            share = rng.uniform(0.3, 1.0) ** 0.5 * rng.uniform(0.5, 1.0, len(near)) ** 0.5
            gated[near] *= 1 - share[:, None]
            gated[near, concept] += share
        whole = np.full(KNOWN, 1e-4)
        loud = np.concatenate((pool, rng.permutation(others)[:3]))
        if known:
            whole[loud] += rng.beta(0.8, 1.2) * rng.dirichlet(np.full(len(loud), 0.5))
        else:
            most = rng.beta(1.2, 2.6)
            whole[loud] += (1 - most) * rng.uniform(0.1, 0.8) * rng.dirichlet(np.full(len(loud), 0.5)) * 0.6
            whole *= (1 - most) / max(1 - most, whole.sum())
            whole[loud[0]] += most
        return gated, whole

    def blob(self, side: str | None) -> np.ndarray:
        """1 inside of an ellipse, 0 outside: [7, 7]. A side keeps it in that half."""
        rng = self.rng
        x, y = rng.uniform(-0.4, 0.4, 2)
        width, height = rng.uniform(0.35, 1.3, 2)
        if side is not None:
            axis_x = "left" in side or "right" in side
            centre = -0.55 if side in ("on the left", "at the top") else 0.55
            x, y = (centre, y) if axis_x else (x, centre)
            width, height = (rng.uniform(0.3, 0.6), height) if axis_x else (width, rng.uniform(0.3, 0.6))
        far = np.sqrt(((X - x) / width) ** 2 + ((Y - y) / height) ** 2)
        return 1 / (1 + np.exp((far - 1) * 6))

    def finish(self, gated: np.ndarray, known: bool) -> np.ndarray:
        """Evidence [50, KNOWN] with what stands beside it: nothing and other, log mass and energy, colours, places."""
        rng = self.rng
        out = np.zeros((TOKENS, FEATURES), np.float32)
        out[:, :KNOWN] = gated
        rest = np.clip(1 - gated.sum(1), 0.0, 1)
        low, high = (-9, -3.0) if known else (-8, -0.7)
        stray = np.exp(rng.uniform(low, high)) * rng.uniform(0.2, 3.0, TOKENS)
        out[:, KNOWN + 1] = rest * np.clip(stray, 0, 1)
        out[:, KNOWN] = (rest - out[:, KNOWN + 1]) * np.clip(rng.uniform(0.6, 1.0) + 0.1 * rng.normal(0, 1, TOKENS), 0, 1)
        # Whole pictures hardly ever look bare.
        out[-1, KNOWN] = rest[-1] * np.exp(rng.uniform(-8, -4 if known else -1.5))
        mass = gated[-1].max() * rng.uniform(0.55, 1.0) if known else np.exp(rng.normal(-2.2, 1.1))
        mass = min(mass, gated[-1].sum())
        out[:PLACES, KNOWN + 2] = np.log(mass**2 * rng.uniform(0.1, 0.7) * rng.uniform(0.2, 1.8, PLACES) + 1e-6)
        out[-1, KNOWN + 2] = np.log(mass + 1e-6)
        energy = rng.normal(0.64, 0.26) if known else rng.normal(0.29, 0.1)
        out[:, KNOWN + 3] = energy * 0.58 + 0.12 * rng.normal(0, 1, TOKENS)
        out[-1, KNOWN + 3] = max(energy, 0.1)
        colors = rng.normal(-0.1, 0.4) + rng.normal(0, 0.2, 3) + rng.normal(0, 0.25, (TOKENS, 3)).cumsum(0) * 0.3
        out[:, KNOWN + 4 : KNOWN + 7] = np.clip(colors, -1, 1)
        out[:, KNOWN + 7 : KNOWN + 10] = np.clip(rng.uniform(0.05, 0.4) + 0.08 * rng.normal(0, 1, (TOKENS, 1)), 0.01, 0.8)
        out[:PLACES, KNOWN + 10], out[:PLACES, KNOWN + 11], out[PLACES, KNOWN + 12] = X.flatten(), Y.flatten(), 1
        return out


MOST_DROPPED = 0.75


def weakened(values: torch.Tensor, mean: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Some channels of each picture, alike in all of its cells, at their mean. The reader knows the drawings it was trained on better
    than it will know any others; with up to three quarters of the channels gone, its evidence for them is as of a new style's:
    of single things 98 % are named on training scenes, 91 % in the held-out style, 89 % where 0.7 are dropped."""
    kept = (torch.rand(len(values), 1, values.shape[2]) > share).float() / (1 - share)
    return mean + (values - mean) * kept


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
    torch.manual_seed(0)
    net = load(args.work / "evidence.pt")
    shards = [Shard(f) for f in folders(args.work, args.split)[: args.shards]]
    total = sum(len(s.labels) for s in shards) + args.made_up
    final = args.work / f"tokens-{args.split}.npy"
    new = final.with_suffix(".new.npy")
    out = open_memmap(new, "w+", np.float16, (total, TOKENS, FEATURES))
    labels, views, at = [], [], 0
    for shard in shards:
        for k in range(0, len(shard.labels), 64):
            seen, tap, color = (
                torch.from_numpy(np.array(x[k : k + 64], np.float32)) for x in (shard.map, shard.tap, shard.color)
            )
            if args.split == "train":
                share = MOST_DROPPED * torch.rand(len(seen), 1, 1)
                seen, tap = weakened(seen, net.map_mean, share), weakened(tap, net.tap_mean, share)
            with torch.autocast("cpu", torch.bfloat16, enabled=args.split == "train"):
                tokens = net(seen, tap, color)
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
