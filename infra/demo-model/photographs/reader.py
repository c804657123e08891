"""Train the reader A of the evidence on cached icon scenes; no photograph is trained on.

    python -m photographs.reader --work DIR --steps 2400

writes DIR/evidence.pt and goes on from it. What is known of photographs comes from the classifier of the trunk itself, in three
ways: its softmax S at work (evidence.py), its rows, and features that it names surely.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from scenes import IGNORE

from .cache import Shard, folders
from .concepts import CONCEPTS
from .evidence import CLASSES, KNOWN, Evidence
from .lite0 import TAP_WIDTH, WIDTH, Lite0, fetch
from .scenes import OTHER_LABEL, View
from .state import save

INPUTS = WIDTH + 4 * TAP_WIDTH
RATE = 1.5e-3


CELLS_A_SCENE = 8


class Cells:
    """Of every cached scene some cells, and the mean of all of them, in memory: 35 kB a scene, 2.1 GB for 120 shards."""

    def __init__(self, work: Path, split: str, limit: int = 1000, seed: int = 0):
        shards, rng = [Shard(f) for f in folders(work, split)[:limit]], np.random.default_rng(seed)
        total = sum(len(s.labels) for s in shards)
        self.cells = np.zeros((total, CELLS_A_SCENE, INPUTS), np.float16)
        self.labels = np.zeros((total, CELLS_A_SCENE), np.int64)
        self.whole = np.zeros((total, INPUTS), np.float16)
        self.shares = np.concatenate([np.stack([shares(v) for v in s.views]) for s in shards])
        at = 0
        for shard in shards:
            seen = np.concatenate((shard.map, shard.tap), -1)
            # Three of four are of things; what is half covered has no label.
            key = rng.random(shard.labels.shape) + 0.35 * (shard.labels > 0) - 9 * (shard.labels < 0)
            picked, rows = np.argsort(-key, 1)[:, :CELLS_A_SCENE], np.arange(len(seen))[:, None]
            to = slice(at, at := at + len(seen))
            self.cells[to], self.labels[to] = seen[rows, picked], shard.labels[rows, picked]
            self.whole[to] = seen.mean(1, dtype=np.float32)


def shares(view: View) -> np.ndarray:
    """What a whole picture shows."""
    target = np.zeros(CLASSES, np.float32)
    if view.other:
        target[OTHER_LABEL] = 1
    elif not view.objects:
        target[0] = 1
    for thing in view.objects:
        target[thing.concept + 1] += 1 / len(view.objects)
    return target


def inverted(net: Evidence, spread: torch.Tensor, wanted: torch.Tensor, steps: int = 60) -> torch.Tensor:
    """Features like the icons' mean and spread that the classifier gives to the wanted classes with 0.8."""
    mean = net.map_mean
    x = (mean + spread * torch.randn(len(wanted), WIDTH) * 0.5).requires_grad_(True)
    optimizer = torch.optim.Adam([x], lr=0.05)
    for _ in range(steps):
        logits = x.clamp(0, 6) @ net.class_weight.T + net.class_bias
        chance = logits.softmax(-1).gather(1, wanted[:, None])[:, 0]
        named = F.cross_entropy(logits, wanted, reduction="none") * (chance < 0.8)
        near = (((x - mean) / (spread + 0.05)) ** 2).mean(1)
        optimizer.zero_grad()
        (named.sum() + 0.5 * near.sum()).backward()
        optimizer.step()
    return x.detach().clamp(0, 6)


class Photographs:
    """Stand-ins for photographs, from the classifier alone: its rows, and inverted features."""

    def __init__(self, net: Evidence, seed: int, per_concept: int = 8):
        rng = np.random.default_rng(seed)
        mapped = [rng.permutation(c["imagenet"])[:per_concept] for c in CONCEPTS]
        self.classes = torch.tensor([i for m in mapped for i in m])
        self.labels = torch.tensor([k + 1 for k, m in enumerate(mapped) for _ in m])
        # Of the many classes of a dog no more are used than of a cat, and each concept is drawn as often as another.
        self.weights = torch.tensor([1 / len(m) for m in mapped for _ in m])
        self.others = torch.tensor(sorted(set(range(1000)) - {i for c in CONCEPTS for i in c["imagenet"]}))
        self.direction = F.normalize(net.class_weight, dim=-1)
        self.net = net
        self.features = torch.zeros(0, WIDTH)

    def invert(self, spread: torch.Tensor, copies: int) -> None:
        # Two copies of each class; the classes outside of the vocabulary are inverted once.
        wanted = torch.cat([self.classes] * copies + [self.others])
        self.features = torch.cat([inverted(self.net, spread, w) for w in wanted.split(256)])
        self.feature_labels = torch.cat([self.labels] * copies + [torch.full((len(self.others),), OTHER_LABEL)])
        self.feature_weights = torch.cat(
            [self.weights] * copies + [torch.full((len(self.others),), 0.15 * KNOWN / len(self.others))]
        )

    def draw(self, count: int, residual: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """`residual` [n, WIDTH]: icons' features less their mean."""
        half = count // 2
        rows = torch.multinomial(self.weights, half, replacement=True)
        lean = residual[torch.randint(len(residual), (half,))]
        features = self.net.map_mean + 6 * self.direction[self.classes[rows]] + 0.5 * lean
        picked = torch.multinomial(self.feature_weights, count - half, replacement=True)
        noise = 0.2 * residual[torch.randint(len(residual), (count - half,))]
        seen = torch.cat((features, self.features[picked] + noise)).clamp(0, 6)
        return seen, torch.cat((self.labels[rows], self.feature_labels[picked]))


DROPPED = 0.3  # of the inputs, on average: a new style's features differ from those of any style of training
DROPPED_INSIDE = 0.2


class Training:
    def __init__(self, args):
        self.args, self.path = args, args.work / "evidence.pt"
        torch.manual_seed(args.seed)
        self.net = Evidence()
        self.cells = Cells(args.work, "train", args.shards)
        trunk = Lite0(fetch(args.work))
        self.net.class_weight.copy_(trunk.class_weight)
        self.net.class_bias.copy_(trunk.class_bias)
        self.rng = np.random.default_rng([args.seed, 17])
        self.optimizer = torch.optim.AdamW(
            [*self.net.first.parameters(), *self.net.second.parameters()], lr=RATE, weight_decay=0.02
        )
        self.start = 0
        spread = self.standardise()
        if self.path.exists():
            saved = torch.load(self.path, map_location="cpu", weights_only=True)
            self.net.load_state_dict(saved["net"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.start = saved["step"]
            self.rng = np.random.default_rng([args.seed, 17, self.start])
        self.photographs = Photographs(self.net, args.seed)
        self.photographs.invert(spread, copies=args.copies)

    def standardise(self) -> torch.Tensor:
        some = np.random.default_rng(0).permutation(len(self.cells.whole))[:2000]
        cells = torch.from_numpy(self.cells.cells[some].reshape(-1, INPUTS)).float()
        for name, part in (("map", slice(0, WIDTH)), ("tap", slice(WIDTH, INPUTS))):
            getattr(self.net, f"{name}_mean").copy_(cells[:, part].mean(0))
            getattr(self.net, f"{name}_std").copy_(cells[:, part].std(0) + 0.02)
        return torch.from_numpy(self.cells.whole[some, :WIDTH]).float().std(0)

    def inputs(self, values: torch.Tensor) -> torch.Tensor:
        """Standardised and with noise; of some the tap is hidden: what stands for photographs has none."""
        net = self.net
        mean, std = torch.cat((net.map_mean, net.tap_mean)), torch.cat((net.map_std, net.tap_std))
        x = (values - mean) / std
        x = x + 0.1 * torch.randn_like(x)
        x[torch.rand(len(x)) < 0.3, WIDTH:] = 0
        return x

    def loss(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Of the icons, and of the stand-ins for photographs."""
        net, args, cells = self.net, self.args, self.cells
        chosen = np.sort(self.rng.choice(len(cells.whole), args.batch, replace=False))
        few = chosen[: max(1, args.batch * 3 // 10)]
        pooled = torch.from_numpy(cells.whole[chosen]).float()
        local = torch.from_numpy(cells.cells[few].reshape(-1, INPUTS)).float()
        features, names = self.photographs.draw(args.photographs, (pooled - pooled.mean(0))[:, :WIDTH])
        features = torch.cat(((features - net.map_mean) / net.map_std, torch.zeros(len(features), INPUTS - WIDTH)), 1)
        x = torch.cat((self.inputs(torch.cat((local, pooled))), features))
        x = F.dropout(x, 2 * DROPPED * float(torch.rand(())))
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            logits = net.second(F.dropout(F.relu(net.first(x)), DROPPED_INSIDE))
        local, pooled, features = logits.float().split((len(local), len(pooled), len(features)))
        of_cells = F.cross_entropy(
            local, torch.from_numpy(cells.labels[few]).flatten(), ignore_index=IGNORE, label_smoothing=0.03
        )
        of_wholes = F.cross_entropy(pooled, torch.from_numpy(cells.shares[chosen]))
        return 0.5 * of_cells + 0.5 * of_wholes, F.cross_entropy(features, names, label_smoothing=0.03)

    def train(self) -> None:
        args, began, saved_at = self.args, time.time(), time.time()
        mean = None
        for step in range(self.start, args.steps):
            icons, photographs = self.loss()
            loss = 0.5 * icons + 0.5 * photographs
            self.optimizer.zero_grad()
            loss.backward()
            for group in self.optimizer.param_groups:
                group["lr"] = RATE * min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * step / args.steps))
            self.optimizer.step()
            values = np.array([icons.item(), photographs.item()])
            mean = values if mean is None else 0.98 * mean + 0.02 * values
            if (step + 1) % 100 == 0:
                speed = (step + 1 - self.start) / (time.time() - began)
                print(f"reader step {step + 1} {speed:.2f} steps/s icons {mean[0]:.4f} photographs {mean[1]:.4f}", flush=True)
            if time.time() - saved_at > 120:
                self.checkpoint(step + 1)
                saved_at = time.time()
        self.checkpoint(args.steps)

    def checkpoint(self, step: int) -> None:
        save(self.path, net=self.net.state_dict(), optimizer=self.optimizer.state_dict(), step=step)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--batch", type=int, default=320, help="scenes in a step; of three in ten the cells are read too")
    parser.add_argument("--photographs", type=int, default=192, help="stand-ins in a step")
    parser.add_argument("--copies", type=int, default=4, help="inverted features of each class")
    parser.add_argument("--shards", type=int, default=1000, help="at most so many are read")
    parser.add_argument("--bf16", action="store_true", help="faster where the machine has bf16 units")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    Training(args).train()


if __name__ == "__main__":
    main()
