"""What the demo model's world is, told from a picture alone, and what its confidence is worth.

    python world.py scenes    --work DIR                       # pictures of the world, and of none, into DIR/world
    node world.ts features DIR/world/*                         # what the vision tower that ships makes of them
    python world.py fit       --work DIR --out DIR/domain.json
    python fixtures.py        --work DIR --evaluation DIR/eval-31 --seed 31                          # and 32
    unmask eval DIR/eval-31/questions.jsonl --engine local --bundle bundle --steps 16 --out RESULTS   # and 32
    python world.py calibrate --fit RESULTS --measure RESULTS --domain DIR/domain.json --out DIR/trust.json
    node publish.ts bundle unmask-demo VERSION --trust DIR/trust.json   # the bundle with it, as a new version

The score is a logistic regression on statistics of the tower's features, fitted on new scenes in the styles that were trained on
against pictures drawn by rule: pages, charts, windows, textures, patchworks, noise. No photograph is fitted on. Its threshold
refuses one in a hundred of the held-out style's scenes.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from concepts import CONCEPTS
from photographs.procedural import page, texture
from questions import UNSURE
from scenes import TEST_STYLE, TRAIN_STYLES, Composer, SpritePool

SIZE, PATCH = 96, 16
REFUSED = 0.01  # of the held-out style's scenes
LIMIT = 4.0
STATISTICS = [
    {"reduce": [{"over": "positions", "by": "mean"}]},
    {"reduce": [{"over": "positions", "by": "deviation"}]},
    {"reduce": [{"over": "positions", "by": "best", "count": 2}]},
    {"reduce": [{"over": "positions", "by": "rank", "rank": 18}]},
    {"reduce": [{"over": "positions", "by": "rank", "rank": 35}]},
]
DESCRIPTION = (
    "Emoji-like pictures: one to four of 62 everyday things, drawn with filled colours, on a plain ground. "
    "No photographs, outline drawings, pages, charts or screenshots."
)


def statistics(features: np.ndarray) -> np.ndarray:
    """[n, patches, width] to [n, 5 width]: `STATISTICS` in the manifest's words."""
    ranked = np.sort(features, 1)[:, ::-1]
    parts = (features.mean(1), features.std(1), ranked[:, :2].mean(1), ranked[:, 17], ranked[:, 34])
    return np.concatenate(parts, 1).astype(np.float64)


def patchwork(rng: np.random.Generator) -> np.ndarray:
    """Textures side by side with soft or hard edges, light from one side: what a photograph has instead of a plain ground."""
    out = texture(rng, SIZE)
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE - 0.5
    for _ in range(int(rng.integers(1, 7))):
        shape = texture(rng, SIZE)[:, :, 0] + rng.uniform(-400, 400) * x + rng.uniform(-400, 400) * y
        edge = np.clip((shape - np.quantile(shape, rng.uniform(0.2, 0.8))) / rng.uniform(2, 60) + 0.5, 0, 1)[:, :, None]
        fill = texture(rng, SIZE) if rng.random() < 0.6 else np.broadcast_to(rng.uniform(0, 255, 3), (SIZE, SIZE, 3))
        out = out * (1 - edge) + fill * edge
    light = 1 + rng.uniform(-0.7, 0.7) * x + rng.uniform(-0.7, 0.7) * y
    return np.clip(out * light[:, :, None], 0, 255).astype(np.uint8)


def outside(rng: np.random.Generator, composer: Composer) -> np.ndarray:
    roll = rng.random()
    if roll < 0.35:
        return page(rng, SIZE)
    if roll < 0.5:
        return np.clip(texture(rng, SIZE), 0, 255).astype(np.uint8)
    if roll < 0.93:
        return patchwork(rng)
    return composer.noise().image


def write_scenes(work: Path, seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    folders = {name: work / "world" / name for name in ("inside", "outside", "seen", TEST_STYLE)}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    train = Composer(SpritePool(work / "sprites.npz", TRAIN_STYLES, rng), rng, SIZE, PATCH)
    held_out = Composer(SpritePool(work / "sprites.npz", {TEST_STYLE: 1.0}, rng, augment=False), rng, SIZE, PATCH, train=False)
    seen = Composer(SpritePool(work / "sprites.npz", TRAIN_STYLES, rng, augment=False), rng, SIZE, PATCH, train=False)

    def clean(composer: Composer) -> np.ndarray:
        while True:
            made = composer.compose(int(rng.choice(5, p=[0.04, 0.46, 0.28, 0.09, 0.13])))
            if made.color is not None:
                return made.image

    for index in range(count):
        save(folders["inside"], index, clean(train))
        save(folders["outside"], index, outside(rng, train))
    for index in range(count // 3):
        save(folders[TEST_STYLE], index, clean(held_out))
        save(folders["seen"], index, clean(seen))


def save(folder: Path, index: int, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(folder / f"{index:05d}.png", compress_level=1)


def read(folder: Path) -> np.ndarray:
    """What `world.ts` wrote of a folder of pictures: [n, patches, width]."""
    shape = json.loads((folder / "features.json").read_text())["shape"]
    return np.fromfile(folder / "features.f32", np.float32).reshape(shape)


def fit(work: Path) -> dict:
    torch.manual_seed(0)
    parts = [statistics(read(work / "world" / name)) for name in ("inside", "outside")]
    x, y = np.concatenate(parts), torch.tensor([1.0] * len(parts[0]) + [0.0] * len(parts[1]), dtype=torch.float64)
    mean, deviation = x.mean(0), x.std(0) + 1e-6

    def standard(s: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.clip((s - mean) / deviation, -LIMIT, LIMIT))

    z = standard(x)
    weight = torch.zeros(z.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=300, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = F.binary_cross_entropy_with_logits(z @ weight + bias, y) + 3e-3 * weight.pow(2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    weights, shift = weight.detach().numpy(), float(bias.detach())
    held_out = standard(statistics(read(work / "world" / TEST_STYLE))).numpy() @ weights + shift
    threshold = float(np.quantile(held_out, REFUSED))
    short = lambda values: [float(f"{v:.6g}") for v in values]  # noqa: E731
    return {
        "statistics": STATISTICS, "mean": short(mean), "deviation": short(deviation), "weight": short(weights),
        "limit": LIMIT, "bias": float(f"{shift:.6g}"), "threshold": float(f"{threshold:.6g}"),
    }  # fmt: skip


def scores(score: dict, folder: Path) -> np.ndarray:
    s = statistics(read(folder))
    z = np.clip((s - np.array(score["mean"])) / np.array(score["deviation"]), -score["limit"], score["limit"])
    return z @ np.array(score["weight"]) + score["bias"] - score["threshold"]


def log_odds(confidence: np.ndarray) -> np.ndarray:
    c = np.clip(confidence, 1e-6, 1 - 1e-6)
    return np.log(c / (1 - c))


def worth(confidence: np.ndarray, temperature: float, shift: float) -> np.ndarray:
    return 1 / (1 + np.exp(-(log_odds(confidence) / temperature + shift)))


def expected_error(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error over bins of equal width."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    parts = [which == b for b in range(bins)]
    return float(sum(p.mean() * abs(right[p].mean() - confidence[p].mean()) for p in parts if p.any()))


def answered(results: Path) -> tuple[np.ndarray, np.ndarray]:
    """Of what `unmask eval` wrote of a bundle without a calibration: confidences, and whether they were right. None declined."""
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    given = [x for x in lines if x["error"] is None and x["answer"].strip() != UNSURE]
    return np.array([x["confidence"] for x in given]), np.array([x["score"] >= 0.999 for x in given], float)


def calibrate(confidence: np.ndarray, right: np.ndarray) -> dict:
    """The temperature and shift of the log-odds under which what happened was likeliest."""
    z, y = torch.from_numpy(log_odds(confidence)), torch.from_numpy(right)
    line = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([line], max_iter=200, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = F.binary_cross_entropy_with_logits(z * line[0] + line[1], y)
        value.backward()
        return value

    optimizer.step(loss)
    slope, shift = line.detach().tolist()
    return {"temperature": round(1 / slope, 4), "shift": round(shift, 4)}


def write_trust(args) -> None:
    fitted, measured = answered(args.fit), answered(args.measure)
    calibration = calibrate(*fitted)
    after = worth(measured[0], **calibration)
    print(
        f"{len(measured[0])} answers of the other set, {100 * measured[1].mean():.1f} % right; expected calibration error "
        f"{expected_error(*measured):.3f} before, {expected_error(after, measured[1]):.3f} after; {calibration}"
    )
    domain = {"description": DESCRIPTION, "things": [c["phrase"] for c in CONCEPTS], "score": json.loads(args.domain.read_text())}
    # Below a half it is more likely wrong than right.
    abstention = {"sentences": [UNSURE], "below": 0.5}
    args.out.write_text(json.dumps({"domain": domain, "calibration": calibration, "abstention": abstention}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("scenes")
    one.add_argument("--work", type=Path, required=True)
    one.add_argument("--count", type=int, default=4000)
    one.add_argument("--seed", type=int, default=5)
    two = commands.add_parser("fit")
    two.add_argument("--work", type=Path, required=True)
    two.add_argument("--out", type=Path, required=True)
    three = commands.add_parser("calibrate")
    for name in ("fit", "measure", "domain", "out"):
        three.add_argument(f"--{name}", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.command == "scenes":
        write_scenes(args.work, args.seed, args.count)
    elif args.command == "calibrate":
        write_trust(args)
    else:
        args.out.write_text(json.dumps(fit(args.work)) + "\n")
        score = json.loads(args.out.read_text())
        for folder in sorted((args.work / "world").iterdir()):
            if (folder / "features.json").exists():
                inside = scores(score, folder) >= 0
                print(f"{folder.name}: {len(inside)} pictures, {100 * (1 - inside.mean()):.1f} % refused")


if __name__ == "__main__":
    main()
