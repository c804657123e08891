"""One run of the miniature: one kind, one amount of data, one size, one seed.

    python -m miniature.train --work DIR --kind diffusion --examples 8000 --hidden 128 --seed 1

writes DIR/miniature/runs/<name>.json, and <name>.pt, from which it goes on when it is started again. A run counts steps, not
seconds: all runs see as many answers, and a slow machine ends in the same place.
"""

import argparse
import fcntl
import json
import os
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch

from optim import Optimizers
from tokenizer import Codec

from .examples import CANVAS, QUESTION, Examples, load, prepare
from .kinds import BLOCK, KINDS, PRECISION, Language, loss, write

HERE = Path(__file__).parent
BATCH = 64
PART = 16  # answers of a batch that are computed at a time
STEPS = 1600
# Highest rate of learning of each kind, by width: of those in REPORT.md the best on seen styles, at 8,000 questions and seed 1.
RATES = {
    128: {"diffusion": 2.5e-4, "causal": 2e-3, "blocks": 5e-4},
    64: {"diffusion": 5e-4, "causal": 2e-3, "blocks": 1e-3},
}
DECAY = 0.4  # last part of the run, in which the rate falls to zero
WARM_UP = 50
SAVE_EVERY = 120  # seconds
# Passes that answers are written with: over the canvas, over a block of it.
DIALS = {"diffusion": [1, 2, 4, 8, CANVAS], "causal": [1], "blocks": [1, 2, BLOCK]}


def rate_for(kind: str, hidden: int) -> float:
    return RATES.get(hidden, RATES[128])[kind]


@dataclass(frozen=True)
class Plan:
    kind: str
    examples: int
    hidden: int
    seed: int
    rate: float
    steps: int = STEPS

    @classmethod
    def of(cls, result: dict) -> "Plan":
        return cls(**{field.name: result[field.name] for field in fields(cls)})

    @property
    def name(self) -> str:
        tried = "" if self.rate == rate_for(self.kind, self.hidden) else f"-rate-{self.rate:g}"
        return f"{self.kind}-{self.hidden}-{self.examples}-{self.seed}{tried}"


def reported() -> list[dict]:
    """The runs of the results.json that stands beside the report."""
    return json.loads((HERE / "results.json").read_text())


def pick(all_: Examples, rows: torch.Tensor) -> Examples:
    return Examples(all_.features[rows], all_.questions[rows], all_.lengths[rows], all_.answers[rows], [])


def batch_at(all_: Examples, seed: int, step: int) -> Examples:
    """Passes over the data, each in an order of its own, drawn from the seed and the number of the step alone."""
    n = len(all_)
    first = step * BATCH
    rows = []
    for k in range(first // n, (first + BATCH - 1) // n + 1):
        order = torch.randperm(n, generator=torch.Generator().manual_seed(seed * 100_003 + k))
        rows.append(order[max(0, first - k * n) : first + BATCH - k * n])
    return pick(all_, torch.cat(rows))


def parts(batch: Examples) -> list[Examples]:
    """A batch in parts of questions of like length, each without the padding that all of its questions share: an eighth fewer positions,
    and none that anybody looks at."""
    out = []
    for rows in batch.lengths.argsort(stable=True).split(PART):
        part = pick(batch, rows)
        part.questions = part.questions[:, QUESTION - int(part.lengths.max()) :]
        out.append(part)
    return out


def gradient(kind: str, model: Language, codec: Codec, batch: Examples) -> float:
    """Adds what a step follows to the weights' gradients; returns the loss, the mean over answers."""
    total = 0.0
    for part in parts(batch):
        value = loss(kind, model, codec, part) * (len(part) / len(batch))
        value.backward()
        total += value.item()
    return total


def rate_at(step: int, plan: Plan) -> float:
    left = (plan.steps - step) / (plan.steps * DECAY)
    return plan.rate * min(1.0, left, (step + 1) / WARM_UP)


def replace(path: Path, save) -> None:
    fresh = path.with_suffix(".new")
    save(fresh)
    os.replace(fresh, path)


@contextmanager
def alone(path: Path):
    """One process at a time works on a run: a worker that outlived its parent would write its steps among another's."""
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another process works on this run and holds {path}: let it finish, or end it") from None
        yield


def train(folder: Path, plan: Plan, codec: Codec, save_every: float) -> tuple[Language, float]:
    """The finished model, and the seconds that its steps took, over all the times that it was started."""
    data = load(folder / "train.npz", plan.examples)
    path = folder / "runs" / f"{plan.name}.pt"
    torch.manual_seed(plan.seed)
    model = Language(plan.hidden, codec.size)
    optimizer = Optimizers(model, {"": 1.0})
    start, seconds = 0, 0.0
    if path.exists():
        saved = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        start, seconds = saved["step"], saved["seconds"]
    began = saved_at = time.time()

    def keep(step: int) -> None:
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
        replace(path, lambda to: torch.save({**state, "seconds": seconds + time.time() - began, "plan": asdict(plan)}, to))

    mean = None
    for step in range(start, plan.steps):
        torch.manual_seed(plan.seed * 1_000_003 + step)  # the masks, so that a resumed run draws the same ones
        value = gradient(plan.kind, model, codec, batch_at(data, plan.seed, step))
        optimizer.step(rate_at(step, plan))
        mean = value if mean is None else 0.98 * mean + 0.02 * value
        if (step + 1) % 100 == 0:
            print(f"{plan.name} step {step + 1} of {plan.steps} loss {mean:.4f}", flush=True)
        if time.time() - saved_at > save_every:
            keep(step + 1)
            saved_at = time.time()
    seconds_all = seconds + time.time() - began
    keep(plan.steps)
    return model.eval(), seconds_all


def measure(model: Language, plan: Plan, codec: Codec, tests: Examples, swap: bool = False) -> dict:
    """By passes: how many answers are the wanted ones to the letter, of each row, and how many passes they took.

    `swap`: each question with the picture before it in its row, at the middle number of passes: what its words alone give away. Where
    things come one after the other that other picture never shows the same one, so of rows with one thing chance itself is left out.
    """
    features = tests.features
    if swap:
        order = torch.arange(len(tests))
        for row in dict.fromkeys(tests.rows):
            mine = torch.tensor([k for k, r in enumerate(tests.rows) if r == row])
            order[mine] = mine.roll(1)
        features = features[order]
    out = {}
    dials = DIALS[plan.kind]
    for steps in [dials[len(dials) // 2]] if swap else dials:
        right, passes = [], []
        for at in range(0, len(tests), 200):
            part = slice(at, at + 200)
            batch = Examples(features[part], tests.questions[part], tests.lengths[part], tests.answers[part], [])
            written = write(plan.kind, model, codec, batch, steps)
            for got, wanted in zip(written.tokens.tolist(), batch.answers.tolist()):
                end = wanted.index(codec.eot)
                right.append(got[: end + 1] == wanted[: end + 1])
            passes += written.passes.tolist()
        by_row = {}
        for row, ok in zip(tests.rows, right):
            by_row.setdefault(row, []).append(ok)
        out[str(steps)] = {
            "accuracy": sum(right) / len(right),
            "passes": sum(passes) / len(passes),
            "right": "".join(str(int(ok)) for ok in right),
            "rows": {row: sum(v) / len(v) for row, v in by_row.items()},
        }
    return out


def run(work: Path, plan: Plan, save_every: float = SAVE_EVERY) -> dict:
    """Trains and measures; returns what is written. A finished run is read, not repeated."""
    folder = prepare(work)
    path = folder / "runs" / f"{plan.name}.json"
    path.parent.mkdir(exist_ok=True)
    with alone(path.with_suffix(".lock")):
        if path.exists():
            return json.loads(path.read_text())
        codec = Codec(folder / "tokenizer")
        model, seconds = train(folder, plan, codec, save_every)
        result = {**asdict(plan), "parameters": sum(p.numel() for p in model.parameters()), "seconds": round(seconds, 1)}
        result["precision"] = str(PRECISION).removeprefix("torch.")
        for name in ("seen", "held-out"):
            tests = load(folder / f"{name}.npz")
            result[name] = measure(model, plan, codec, tests)
            result[f"{name}, blind"] = measure(model, plan, codec, tests, swap=True)
        replace(path, lambda to: to.write_text(json.dumps(result, indent=1) + "\n"))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--examples", type=int, default=8000)
    parser.add_argument("--hidden", type=int, default=128, help="width of the language tower, a multiple of 32")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--rate", type=float, help="highest rate of learning; another than the kind's is in the run's name")
    parser.add_argument("--save-every", type=float, default=SAVE_EVERY, help="seconds")
    args = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(args.kind, args.examples, args.hidden, args.seed, args.rate or rate_for(args.kind, args.hidden), args.steps)
    result = run(args.work, plan, args.save_every)
    best = {name: max(v["accuracy"] for v in result[name].values()) for name in ("seen", "held-out")}
    print(f"{plan.name}: {best} in {result['seconds']:.0f} s")


if __name__ == "__main__":
    main()
