"""Run the whole recipe once, in miniature and offline: drawn sprites, a trunk of random weights, every stage, the measurements.

    python -m photographs.smoke --work DIR

Its answers are worthless: it shows that every stage runs and that the next one can read what it wrote. DIR must be new or empty.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from scenes import TRAIN_STYLES
from smoke import polygon

from .concepts import CONCEPTS, NAMES
from .data import OTHER
from .evaluate import ROWS
from .lite0 import STAGES, WEIGHTS, WIDTH
from .scenes import TEST_STYLES

HERE = Path(__file__).parent.parent
OTHERS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    work = args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    # A stage that finds a checkpoint would resume it and prove nothing.
    if any(work.iterdir()):
        raise SystemExit(f"{work} is not empty")
    began = time.monotonic()
    draw_sprites(work)
    random_trunk(work / "lite0" / WEIGHTS)
    for split in ("train", "seen", "noto", "far"):
        stage("cache", work, "--split", split, "--shards", "0:1", "--size", "64")
    stage("reader", work, "--steps", "5", "--batch", "16", "--copies", "1")
    stage("words", work)
    for split in ("train", "seen", "noto", "far"):
        stage("tokens", work, "--split", split, "--made-up", "20" if split == "train" else "0")
    # Stopped and resumed.
    for steps in ("3", "6"):
        stage("train", work, "--steps", steps, "--batch", "16", "--processes", "1")
    domain, checkpoint = str(work / "domain.json"), ["--checkpoint", str(work / "language.pt")]
    stage("domain", work, "--out", domain)
    stage("trust", work, *checkpoint, "--domain", domain, "--count", "2", "--out", str(work / "trust.json"))
    stage("evaluate", work, *checkpoint, "--quick", "--count", "2", "--steps", "2", "--out", str(work / "results.json"))
    stage("export", work, *checkpoint, "--out", str(work / "export"))
    verify(work)
    print(f"{work} in {time.monotonic() - began:.0f} s")


def stage(module: str, work: Path, *arguments: str) -> None:
    """One stage in a process of its own, as a person would run it."""
    command = [sys.executable, "-m", f"photographs.{module}", "--work", str(work), *arguments]
    print("$", "python", *command[1:], flush=True)
    subprocess.run(command, check=True, cwd=HERE, env={"OMP_NUM_THREADS": "1", **os.environ}, stdout=subprocess.DEVNULL)


def draw_sprites(work: Path) -> None:
    """A polygon for each concept and for things outside of the vocabulary, in every style."""
    styles = [*TRAIN_STYLES, *(s for group in TEST_STYLES.values() for s in group)]
    drawn = [(c, s, polygon(c, k)) for c in range(len(CONCEPTS)) for k, s in enumerate(styles)]
    drawn += [(OTHER, s, polygon(len(CONCEPTS) + c, k)) for c in range(OTHERS) for k, s in enumerate(styles)]
    np.save(work / "sprites-rgba.npy", np.stack([d[2] for d in drawn]))
    icons = [NAMES[d[0]] if d[0] != OTHER else "other" for d in drawn]
    np.savez_compressed(
        work / "sprites.npz", concept=np.array([d[0] for d in drawn]), style=np.array([d[1] for d in drawn]), icon=np.array(icons)
    )


def random_trunk(file: Path) -> None:
    """A checkpoint of the package's names and shapes."""
    torch.manual_seed(0)
    saved: dict[str, torch.Tensor] = {}

    def conv(name: str, norm: str, out: int, inner: int, kernel: int) -> None:
        saved[f"{name}.weight"] = torch.randn(out, inner, kernel, kernel) * (2 / (inner * kernel**2)) ** 0.5
        for part, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            saved[f"{norm}.{part}"] = torch.full((out,), value)

    conv("_conv_stem", "_bn0", 32, 3, 3)
    channels, index = 32, 0
    for repeats, kernel, _, expansion, out in STAGES:
        for _ in range(repeats):
            name, inner = f"_blocks.{index}", channels * expansion
            if expansion > 1:
                conv(f"{name}._expand_conv", f"{name}._bn0", inner, channels, 1)
            conv(f"{name}._depthwise_conv", f"{name}._bn1", inner, 1, kernel)
            conv(f"{name}._project_conv", f"{name}._bn2", out, inner, 1)
            channels, index = out, index + 1
    conv("_conv_head", "_bn1", WIDTH, channels, 1)
    saved["_fc.weight"], saved["_fc.bias"] = torch.randn(1000, WIDTH) * 0.05, torch.zeros(1000)
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(saved, file)


def verify(work: Path) -> None:
    """Every question family was asked in every style, and the run was resumed to its end."""
    rows = json.loads((work / "results.json").read_text())["rows"]
    if set(rows) != set(ROWS) or not all(0 <= share <= 1 for cell in rows.values() for share in cell.values()):
        raise SystemExit(f"results are not shares: {rows}")
    if not (work / "export" / "model.safetensors").is_file():
        raise SystemExit(f"{work / 'export'} holds no model")
    if torch.load(work / "language.pt", map_location="cpu", weights_only=True)["step"] != 6:
        raise SystemExit("the language stage did not go on to its end")


if __name__ == "__main__":
    main()
