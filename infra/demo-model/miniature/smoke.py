"""The miniature once, in a few steps: a run of each kind, killed and gone on with, is the run in one go; the report is made of them.

    python -m miniature.smoke --work DIR

DIR must be new or empty. Ends with DIR/report, and with DIR/broken, which `python -m miniature.serve` takes as its --work. The answers
are worthless: it shows that every stage runs, that each kind looks at what it should, that a kill costs nothing but its last steps, and
that a served picture is a trained one.
"""

import argparse
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from scenes import TRAIN_STYLES, Composer, SpritePool
from smoke import draw_sprites
from tokenizer import Codec

from .examples import PATCH, SIZE, Examples, load, prepare, write
from .kinds import KINDS, Language, loss
from .report import read
from .report import write as write_report
from .serve import Twin
from .sight import verify_sight
from .train import PART, Plan, gradient, parts, pick, rate_for

EXAMPLES = 80  # more than a step takes and less than two: the second one begins another pass over them
TESTS = 2  # of each row and style
STEPS = 10
WAIT = 120  # seconds for a first saved step
TOLERANCE = 0.03  # share of a loss or a gradient, as exact as bfloat16 is; a part too many or too few is off by a third


def training(work: Path, plan: Plan, save_every: float) -> subprocess.Popen:
    named = ["--kind", plan.kind, "--examples", str(plan.examples), "--hidden", str(plan.hidden), "--seed", str(plan.seed)]
    command = [sys.executable, "-m", "miniature.train", "--work", str(work), *named]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, "--steps", str(plan.steps), "--save-every", str(save_every)],
        cwd=Path(__file__).parent.parent,
        env=environment,
        stdout=subprocess.DEVNULL,
    )


def finish(work: Path, plan: Plan) -> None:
    if (code := training(work, plan, save_every=1e9).wait()) != 0:
        raise SystemExit(f"training {plan.name} ended with {code}")


def kill_midway(work: Path, plan: Plan) -> None:
    """Kills a run as soon as it has saved a step, which it does after each."""
    saved = work / "miniature" / "runs" / f"{plan.name}.pt"
    process = training(work, plan, save_every=0)
    until = time.monotonic() + WAIT
    while not saved.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    step = torch.load(saved, map_location="cpu", weights_only=True)["step"]
    if not 0 < step < plan.steps:
        raise SystemExit(f"{plan.name} was killed after step {step}, which is not on its way")


def outcome(work: Path, plan: Plan) -> tuple[dict, dict]:
    """Weights and measurements, without the time that they took."""
    runs = work / "miniature" / "runs"
    result = json.loads((runs / f"{plan.name}.json").read_text())
    return torch.load(runs / f"{plan.name}.pt", map_location="cpu", weights_only=True)["model"], {**result, "seconds": 0}


def compare(whole: Path, broken: Path, plan: Plan) -> None:
    (weights, result), (others, other) = outcome(whole, plan), outcome(broken, plan)
    if result != other or any(not torch.equal(weights[name], others[name]) for name in weights):
        raise SystemExit(f"{plan.name}, killed and gone on with, is not the run in one go")


def verify_parts(codec: Codec, batch: Examples) -> None:
    """A step follows the same loss and gradient in parts as at once. Of the kind that draws no masks; they would be others."""
    model = Language(64, codec.size)
    whole = loss("causal", model, codec, batch)
    whole.backward()
    wanted = torch.cat([p.grad.flatten() for p in model.parameters()])
    model.zero_grad()
    value = gradient("causal", model, codec, batch)
    off = torch.cat([p.grad.flatten() for p in model.parameters()]).sub(wanted).norm() / wanted.norm()
    if len(batch) <= PART or abs(value / whole.item() - 1) > TOLERANCE or off > TOLERANCE:
        raise SystemExit(f"a step in parts has loss {value:.4f}, at once {whole.item():.4f}; its gradient is off by {off:.1%}")


def verify_features(work: Path, name: str) -> None:
    """A picture that comes as a PNG has the features that training had of it."""
    codec = Codec(work / "miniature" / "tokenizer")
    rng = np.random.default_rng(3)
    composer = Composer(SpritePool(work / "sprites.npz", TRAIN_STYLES, rng), rng, SIZE, PATCH)
    images = [composer.compose().image for _ in range(8)]
    write(work / "features.npz", codec, [(image, "What is this?", "A dog.", "what") for image in images])
    trained = load(work / "features.npz").features.float()
    twin = Twin(work, name, None)
    for image, wanted in zip(images, trained):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        # Sums of another batch size round otherwise in their last bits.
        if not torch.allclose(twin.features(file.getvalue())[0].float(), wanted, rtol=1e-2, atol=1e-2):
            raise SystemExit("a served picture has other features than a trained one")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    work = parser.parse_args().work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    if any(work.iterdir()):
        raise SystemExit(f"{work} is not empty")
    torch.set_num_threads(1)
    whole, broken = work / "whole", work / "broken"
    whole.mkdir()
    draw_sprites(whole / "sprites.npz")
    prepare(whole, EXAMPLES, TESTS)
    codec = Codec(whole / "miniature" / "tokenizer")
    examples = load(whole / "miniature" / "train.npz")
    few = pick(examples, torch.arange(6))
    for batch in (few, *parts(few)):
        verify_sight(codec, batch)
    verify_parts(codec, examples)
    (whole / "miniature" / "runs").mkdir()
    shutil.copytree(whole, broken)
    for kind in KINDS:
        # Named as one of the series, so that the report finds its place.
        plan = Plan(kind, 2000, 128, 1, rate_for(kind, 128), STEPS)
        finish(whole, plan)
        kill_midway(broken, plan)
        finish(broken, plan)
        compare(whole, broken, plan)
        print(f"{plan.name}: killed and gone on with, the same", flush=True)
    verify_features(broken, Plan(KINDS[0], 2000, 128, 1, rate_for(KINDS[0], 128)).name)
    write_report(read(broken), work / "report")


if __name__ == "__main__":
    main()
