"""Whether a picture is of the model's world: a linear score of what its evidence tokens say, whatever is asked.

    python -m photographs.domain --work DIR --out DIR/domain.json

fits the score on training scenes (things of the vocabulary against other icons, drawn pages and noise; no photograph), puts the
threshold where 1 % of the held-out style's scenes are refused, and prints what is accepted of each group of pictures. The
weights go into the bundle's card; what computes the statistics is `statistics`.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from .evaluate import Photographs
from .evidence import KNOWN, PLACES
from .tokens import Scenes

REFUSED = 0.01  # of the held-out style's scenes
FLAT = 0.04  # deviation of colour under which a cell counts as plain
STATISTICS = (
    "log of the largest evidence of the whole picture",
    "log of the best thing's four best cells",
    "log of the second thing's four best cells",
    "log of the best cell",
    "log of the eight best cells",
    "energy of the whole picture",
    "energy of the six best cells",
    "mean energy",
    "other: the whole picture",
    "other: the six best cells",
    "other: mean",
    "nothing: the whole picture",
    "nothing: mean",
    "log mass of the whole picture",
    "mean log mass",
    "share of plain cells",
    "mean deviation of colour",
    "lead of the best thing over the second, whole picture",
)


def statistics(tokens) -> np.ndarray:
    """[n, 50, FEATURES] to [n, len(STATISTICS)]."""
    t = np.asarray(tokens, dtype=np.float32)
    cells, whole = t[:, :PLACES], t[:, PLACES]
    best = np.sort(cells[:, :, :KNOWN].max(-1), 1)
    things = np.sort(np.sort(cells[:, :, :KNOWN], 1)[:, -4:].mean(1), 1)
    ranked = np.sort(whole[:, :KNOWN], 1)
    energy, other = np.sort(cells[:, :, KNOWN + 3], 1), np.sort(cells[:, :, KNOWN + 1], 1)
    deviation = cells[:, :, KNOWN + 7 : KNOWN + 10].max(-1)

    def log(x):
        return np.log(x + 1e-3)

    return np.stack(
        [
            log(ranked[:, -1]), log(things[:, -1]), log(things[:, -2]), log(best[:, -1]), log(best[:, -8:].mean(1)),
            whole[:, KNOWN + 3], energy[:, -6:].mean(1), energy.mean(1),
            whole[:, KNOWN + 1], other[:, -6:].mean(1), other.mean(1), whole[:, KNOWN], cells[:, :, KNOWN].mean(1),
            whole[:, KNOWN + 2], cells[:, :, KNOWN + 2].mean(1), (deviation < FLAT).mean(1), deviation.mean(1),
            log(ranked[:, -1]) - log(ranked[:, -2]),
        ],
        1,
    )  # fmt: skip


class Domain:
    """score = bias + sum of weight * clip((statistic - mean) / deviation, -5, 5); of the world where above the threshold."""

    def __init__(self, saved: dict):
        self.saved = saved
        self.mean, self.deviation, self.weight = (np.array(saved[k], np.float32) for k in ("mean", "deviation", "weight"))

    def score(self, tokens) -> np.ndarray:
        z = np.clip((statistics(tokens) - self.mean) / self.deviation, -5, 5)
        return z @ self.weight + self.saved["bias"]

    def inside(self, tokens) -> np.ndarray:
        return self.score(tokens) > self.saved["threshold"]


def in_batches(tokens, indices, size: int = 500) -> np.ndarray:
    return np.concatenate([statistics(tokens[indices[i : i + size]]) for i in range(0, len(indices), size)])


def fit(train: Scenes, held_out: Scenes, count: int, seed: int = 0) -> Domain:
    # Made-up photographs are no pictures: they come last and stay out.
    drawn = [i for i, v in enumerate(train.views[: train.drawn]) if v.objects or v.other or v.color is None]
    chosen = np.sort(np.random.default_rng(seed).permutation(drawn)[:count])
    x = in_batches(train.tokens, chosen)
    y = torch.tensor([float(bool(train.views[i].objects)) for i in chosen])
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    z = torch.from_numpy(np.clip((x - mean) / deviation, -5, 5).astype(np.float32))
    line = torch.nn.Linear(z.shape[1], 1)
    optimizer = torch.optim.LBFGS(line.parameters(), max_iter=200, line_search_fn="strong_wolfe")
    balance = (y == 0).float().mean() / (y == 1).float().mean()

    def loss():
        optimizer.zero_grad()
        value = F.binary_cross_entropy_with_logits(line(z)[:, 0], y, pos_weight=balance) + 1e-3 * line.weight.pow(2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    domain = Domain(
        {
            "statistics": list(STATISTICS), "mean": mean.tolist(), "deviation": deviation.tolist(),
            "weight": line.weight[0].tolist(), "bias": line.bias.item(), "threshold": 0.0,
        }
    )  # fmt: skip
    known = [i for i, v in enumerate(held_out.views) if v.objects]
    domain.saved["threshold"] = float(np.quantile(domain.score(held_out.tokens[known]), REFUSED))
    return domain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20000, help="training scenes to fit on")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    domain = fit(Scenes(args.work, "train"), Scenes(args.work, "noto"), args.count)
    accepted: dict = {}
    for style in ("seen", "noto", "far"):
        scenes = Scenes(args.work, style)
        inside = domain.inside(scenes.tokens)
        for name, wanted in (("things", lambda v: bool(v.objects)), ("other icons and pages", lambda v: v.other)):
            accepted[f"{style}: {name}"] = float(np.mean([i for i, v in zip(inside, scenes.views) if wanted(v)]))
    if (args.work / "pictures.npz").exists():
        pictures = Photographs(args.work)
        inside = domain.inside(pictures.tokens)
        for group in dict.fromkeys(m["group"] for m in pictures.meta):
            for half in ("choose", "measure"):
                chosen = [i for i, m in zip(inside, pictures.meta) if m["group"] == group and m["half"] == half]
                accepted[f"{group}, {half}"] = float(np.mean(chosen))
    args.out.write_text(json.dumps(domain.saved | {"accepted": accepted}, indent=1) + "\n")
    for name, share in accepted.items():
        print(f"{name}: {share:.2f} accepted")


if __name__ == "__main__":
    main()
