"""What the frozen trunk sees in composed scenes, written once, so that nothing that trains runs the trunk.

    python -m photographs.cache --work DIR --shards 0:40
    python -m photographs.cache --work DIR --split noto --shards 0:2

A shard of 512 scenes is a folder DIR/cache/SPLIT-NNNN; a shard that is there is not made again, and each has its own seed, so
several processes may share the work and a stopped run goes on where it was.
"""

import argparse
import os
import shutil
import time
from pathlib import Path

import numpy as np
import torch

from scenes import TRAIN_STYLES

from .lite0 import Lite0, colors, fetch, to_pixels
from .scenes import TEST_STYLES, Composer, Pool, View

SHARD = 512  # scenes
SPLITS = {"train": TRAIN_STYLES, "seen": TRAIN_STYLES, "noto": TEST_STYLES["held out"], "far": TEST_STYLES["far"]}


class Shard:
    """Arrays of one shard, mapped from disk; `views` say what the scenes show."""

    def __init__(self, folder: Path):
        self.map = np.load(folder / "map.npy", mmap_mode="r")  # [n, 49, 1280] float16
        self.tap = np.load(folder / "tap.npy", mmap_mode="r")  # [n, 49, 448] float16
        self.color = np.load(folder / "color.npy")  # [n, 49, 6] float16
        self.labels = np.load(folder / "labels.npy")  # [n, 49] int16
        self.views = [View.from_json(line) for line in (folder / "views.jsonl").read_text().splitlines()]


def folders(work: Path, split: str) -> list[Path]:
    return sorted(f for f in (work / "cache").glob(f"{split}-*") if f.suffix != ".new")


def look(trunk: Lite0, images: np.ndarray, fast: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The trunk's map and tap and the colours of the cells, as float16. `fast`: in bfloat16, two to three times the speed."""
    pixels = to_pixels(images)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=fast):
        seen, tap = trunk(pixels)
    return tuple(x.half().numpy() for x in (seen, tap, colors(images)))


def make(work: Path, trunk: Lite0, pool: Pool, split: str, index: int, size: int, batch: int = 16) -> None:
    out = work / "cache" / f"{split}-{index:04d}"
    if out.exists():
        return
    pool.rng = np.random.default_rng([list(SPLITS).index(split), index])
    composer = Composer(pool, pool.rng, train=split == "train")
    parts, labels, views = [], [], []
    for _ in range(size // batch):
        drawn = [composer.draw() for _ in range(batch)]
        parts.append(look(trunk, np.stack([d[0] for d in drawn]), fast=split == "train"))
        labels += [d[1] for d in drawn]
        views += [d[2].to_json() for d in drawn]
    new = out.with_name(f"{out.name}.{os.getpid()}.new")
    new.mkdir(parents=True)
    for name, arrays in zip(("map", "tap", "color"), zip(*parts)):
        np.save(new / f"{name}.npy", np.concatenate(arrays))
    np.save(new / "labels.npy", np.stack(labels).astype(np.int16))
    (new / "views.jsonl").write_text("\n".join(views) + "\n")
    if out.exists():
        shutil.rmtree(new)
    else:
        new.rename(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--split", choices=list(SPLITS), default="train")
    parser.add_argument("--shards", default="0:40", help="first and one past the last")
    parser.add_argument("--size", type=int, default=SHARD, help="scenes of a shard")
    args = parser.parse_args()
    torch.set_num_threads(1)
    first, last = map(int, args.shards.split(":"))
    trunk = Lite0(fetch(args.work))
    pool = Pool(args.work, SPLITS[args.split], np.random.default_rng(0))
    for index in range(first, last):
        began = time.monotonic()
        make(args.work, trunk, pool, args.split, index, args.size)
        print(f"{args.split} {index}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
