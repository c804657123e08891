"""Whether a picture is of the model's world: a linear score of what its evidence tokens say, whatever is asked.

    python -m photographs.domain --work DIR --out DIR/domain.json

fits the score on training scenes (things of the vocabulary against other icons, drawn pages and noise) and, where there are any, on
the `choose` half of the packaged photographs and cut-outs (of things of the vocabulary against others), puts the threshold where
1 % of the held-out style's scenes are refused, and prints what is accepted of each group of pictures; the `measure` half has no part
in the fit. The weights go into the bundle's manifest; what computes the statistics is `statistics`.
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
LIMIT = 5  # deviations to either side, more of a statistic says no more
SMALL = 1e-3  # is added before a logarithm is taken

CELLS, WHOLE, THINGS = [0, PLACES], [PLACES, PLACES + 1], [0, KNOWN]
NOTHING, OTHER, MASS, ENERGY = ([KNOWN + k, KNOWN + k + 1] for k in range(4))
SPREAD = [KNOWN + 7, KNOWN + 10]


def best(over: str, count: int) -> dict:
    return {"over": over, "by": "best", "count": count}


def rank(over: str, place: int) -> dict:
    return {"over": over, "by": "rank", "rank": place}


def mean(over: str) -> dict:
    return {"over": over, "by": "mean"}


def number(channels: list[int], *reduce: dict, positions: list[int] = CELLS, log: bool = False) -> dict:
    return {"positions": positions, "channels": channels, "reduce": [*reduce], **({"log": SMALL} if log else {})}


def of_whole(channels: list[int], place: int = 1, log: bool = False) -> dict:
    return number(channels, mean("positions"), rank("channels", place), positions=WHOLE, log=log)


# What the score is made of, as the bundle's manifest says it: a slice of the tokens, reduced over one axis and then the other.
STATISTICS = (
    of_whole(THINGS, 1, log=True),
    of_whole(THINGS, 2, log=True),
    number(THINGS, best("positions", 4), rank("channels", 1), log=True),  # the best thing's four best cells
    number(THINGS, best("positions", 4), rank("channels", 2), log=True),
    number(THINGS, rank("channels", 1), rank("positions", 1), log=True),
    number(THINGS, rank("channels", 1), best("positions", 8), log=True),
    of_whole(ENERGY),
    number(ENERGY, best("positions", 6), mean("channels")),
    number(ENERGY, mean("positions"), mean("channels")),
    of_whole(OTHER),
    number(OTHER, best("positions", 6), mean("channels")),
    number(OTHER, mean("positions"), mean("channels")),
    of_whole(NOTHING),
    number(NOTHING, mean("positions"), mean("channels")),
    of_whole(MASS),
    number(MASS, mean("positions"), mean("channels")),
    number(SPREAD, rank("channels", 1), {"over": "positions", "by": "below", "bound": FLAT}),  # share of plain cells
    number(SPREAD, rank("channels", 1), mean("positions")),
)


def reduced(x: np.ndarray, step: dict) -> np.ndarray:
    """`x` [n, positions, channels] with one of its axes reduced to length 1."""
    axis = 1 if step["over"] == "positions" else 2
    if step["by"] == "mean":
        return x.mean(axis, keepdims=True)
    if step["by"] == "below":
        return (x < step["bound"]).mean(axis, keepdims=True)
    ranked = -np.sort(-x, axis)
    if step["by"] == "best":
        return ranked.take(range(min(step["count"], x.shape[axis])), axis).mean(axis, keepdims=True)
    return ranked.take([step["rank"] - 1], axis)


def statistics(tokens) -> np.ndarray:
    """[n, 50, FEATURES] to [n, len(STATISTICS)]."""
    t, columns = np.asarray(tokens, dtype=np.float32), []
    for statistic in STATISTICS:
        x = t[:, slice(*statistic["positions"]), slice(*statistic["channels"])]
        for step in statistic["reduce"]:
            x = reduced(x, step)
        columns.append(np.log(x[:, 0, 0] + statistic["log"]) if "log" in statistic else x[:, 0, 0])
    return np.stack(columns, 1)


class Domain:
    """score = bias + sum of weight * clip((statistic - mean) / deviation, -LIMIT, LIMIT); inside where above the threshold."""

    def __init__(self, saved: dict):
        self.saved = saved
        self.mean, self.deviation, self.weight = (np.array(saved[k], np.float32) for k in ("mean", "deviation", "weight"))

    def score(self, tokens) -> np.ndarray:
        z = np.clip((statistics(tokens) - self.mean) / self.deviation, -LIMIT, LIMIT)
        return z @ self.weight + self.saved["bias"]

    def inside(self, tokens) -> np.ndarray:
        return self.score(tokens) > self.saved["threshold"]


def in_batches(tokens, indices, size: int = 500) -> np.ndarray:
    return np.concatenate([statistics(tokens[indices[i : i + size]]) for i in range(0, len(indices), size)])


def examples(train: Scenes, pictures: Photographs | None, count: int, seed: int) -> list[tuple[np.ndarray, float]]:
    """Groups of statistics [n, len(STATISTICS)], each of the world (1) or not (0). All groups weigh the same."""
    # Made-up photographs are no pictures: they come last and stay out.
    drawn = [i for i, v in enumerate(train.views[: train.drawn]) if v.objects or v.other or v.color is None]
    chosen = np.sort(np.random.default_rng(seed).permutation(drawn)[:count])
    x, known = in_batches(train.tokens, chosen), np.array([bool(train.views[i].objects) for i in chosen])
    groups = [(x[known], 1.0), (x[~known], 0.0)]
    if pictures is not None:
        x = statistics(pictures.tokens)
        for names, inside in ((("whole", "cut-out"), 1.0), (("other", "cut-out-other"), 0.0)):
            groups.append((x[[m["half"] == "choose" and m["group"] in names for m in pictures.meta]], inside))
    return [(x, inside) for x, inside in groups if len(x)]


def fit(train: Scenes, held_out: Scenes, pictures: Photographs | None, count: int, seed: int = 0) -> Domain:
    groups = examples(train, pictures, count, seed)
    x = np.concatenate([x for x, _ in groups])
    y = torch.cat([torch.full((len(x),), inside) for x, inside in groups])
    share = torch.cat([torch.full((len(x),), 1 / len(x)) for x, _ in groups])
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    z = torch.from_numpy(np.clip((x - mean) / deviation, -LIMIT, LIMIT).astype(np.float32))
    line = torch.nn.Linear(z.shape[1], 1)
    optimizer = torch.optim.LBFGS(line.parameters(), max_iter=300, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        surprises = F.binary_cross_entropy_with_logits(line(z)[:, 0], y, reduction="none")
        value = (surprises * share).sum() + 1e-3 * line.weight.pow(2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    domain = Domain(
        {
            "statistics": list(STATISTICS), "limit": LIMIT, "mean": mean.tolist(), "deviation": deviation.tolist(),
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
    pictures = Photographs(args.work) if (args.work / "pictures.npz").exists() else None
    domain = fit(Scenes(args.work, "train"), Scenes(args.work, "noto"), pictures, args.count)
    accepted: dict = {}
    for style in ("seen", "noto", "far"):
        scenes = Scenes(args.work, style)
        inside = domain.inside(scenes.tokens)
        for name, wanted in (("things", lambda v: bool(v.objects)), ("other icons and pages", lambda v: v.other)):
            accepted[f"{style}: {name}"] = float(np.mean([i for i, v in zip(inside, scenes.views) if wanted(v)]))
    if pictures is not None:
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
