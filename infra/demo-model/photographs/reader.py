"""Train the reader A of the evidence on cached icon scenes; no photograph is trained on.

    python -m photographs.reader --work DIR --steps 4000

writes DIR/evidence.pt and goes on from it. What is known of photographs comes from the classifier of the trunk itself, in three
ways: its softmax S at work (evidence.py), its rows, and features that it names surely.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from scenes import IGNORE

from .cache import Shard, folders
from .concepts import CONCEPTS
from .evidence import CLASSES, KNOWN, PLACES, Evidence
from .lite0 import WIDTH, Lite0, fetch
from .scenes import OTHER_LABEL
from .state import save


class Cells:
    """Random scenes of cached shards."""

    def __init__(self, work: Path, split: str, limit: int = 1000):
        self.shards = [Shard(f) for f in folders(work, split)[:limit]]
        self.labels = np.concatenate([s.labels for s in self.shards])
        self.views = [v for s in self.shards for v in s.views]
        self.size = len(self.shards[0].labels)

    def rows(self, indices) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        parts = []
        for i in indices:
            shard, row = self.shards[i // self.size], i % self.size
            parts.append((shard.map[row], shard.tap[row], shard.color[row]))
        return tuple(torch.from_numpy(np.stack(p)).float() for p in zip(*parts))

    def whole(self, index: int) -> torch.Tensor:
        """What the whole picture shows, as shares."""
        view, target = self.views[index], torch.zeros(CLASSES)
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


CELLS_A_SCENE = 16


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
            [*self.net.first.parameters(), *self.net.second.parameters()], lr=1e-3, weight_decay=0.02
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
        seen, tap, _ = self.cells.rows(
            np.random.default_rng(0).choice(len(self.cells.views), min(400, len(self.cells.views)), replace=False)
        )
        for name, x in (("map", seen), ("tap", tap)):
            getattr(self.net, f"{name}_mean").copy_(x.flatten(0, 1).mean(0))
            getattr(self.net, f"{name}_std").copy_(x.flatten(0, 1).std(0) + 0.02)
        return seen.mean(1).std(0)

    def loss(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Of the icons, and of the stand-ins for photographs."""
        net, args = self.net, self.args
        chosen = self.rng.choice(len(self.cells.views), args.batch, replace=False)
        seen, tap, _ = self.cells.rows(chosen)
        pick = torch.rand(args.batch, PLACES).argsort(1)[:, :CELLS_A_SCENE]
        rows = torch.arange(args.batch)[:, None]
        labels = torch.from_numpy(self.cells.labels[chosen].astype(np.int64))[rows, pick]
        pooled = seen.mean(1), tap.mean(1)
        x = torch.cat((seen[rows, pick].flatten(0, 1), pooled[0]))
        t = torch.cat((tap[rows, pick].flatten(0, 1), pooled[1]))
        x = x + 0.1 * net.map_std * torch.randn_like(x)
        # What stands for photographs has no tap, so icons must be readable without one.
        t = torch.where(torch.rand(len(t), 1) < 0.3, net.tap_mean, t)
        logits = net.reader(x, t)
        weight = torch.ones(CLASSES)
        weight[0] = 0.3
        local = F.cross_entropy(logits[: -args.batch], labels.flatten(), weight=weight, ignore_index=IGNORE, label_smoothing=0.03)
        whole = F.cross_entropy(logits[-args.batch :], torch.stack([self.cells.whole(i) for i in chosen]))
        features, names = self.photographs.draw(args.photographs, pooled[0] - pooled[0].mean(0))
        return 0.5 * local + 0.5 * whole, F.cross_entropy(net.reader(features, None), names, label_smoothing=0.03)

    def train(self) -> None:
        args, began, saved_at = self.args, time.time(), time.time()
        mean = None
        for step in range(self.start, args.steps):
            icons, photographs = self.loss()
            loss = 0.5 * icons + 0.5 * photographs
            self.optimizer.zero_grad()
            loss.backward()
            for group in self.optimizer.param_groups:
                group["lr"] = 1e-3 * min(1.0, (step + 1) / 100, 2 * (args.steps - step) / args.steps)
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
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=48, help="scenes in a step")
    parser.add_argument("--photographs", type=int, default=256, help="stand-ins in a step")
    parser.add_argument("--copies", type=int, default=3, help="inverted features of each class")
    parser.add_argument("--shards", type=int, default=1000, help="at most so many are read")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    Training(args).train()


if __name__ == "__main__":
    main()
