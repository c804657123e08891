"""Run the whole recipe once, in miniature: sprites, tokenizer, three stages, measurements, export.

    python smoke.py --work DIR --drawn         # offline: the sprites are drawn here, nothing is downloaded
    python smoke.py --work DIR --npm FOLDER    # FOLDER already holds the icon packages (data.py's DIR/npm)
    python smoke.py --work DIR                 # fetches the icon packages from npm

ends with DIR/export, a Hugging Face folder of the shipped model's shape. Its answers are worthless: it shows that
every stage runs and that the next one can read what it wrote. DIR must be new or empty.
"""

import argparse
import colorsys
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from concepts import CONCEPTS, NAMES
from scenes import TEST_STYLE, TRAIN_STYLES

HERE = Path(__file__).parent
SPRITE = 112  # as data.py renders them
# What an importer of Hugging Face folders needs.
EXPORTED = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--drawn", action="store_true", help="draw the sprites instead of fetching icons")
    source.add_argument("--npm", type=Path, help="folder of unpacked or packed icon packages")
    parser.add_argument("--steps", type=int, default=20, help="of each stage")
    args = parser.parse_args()
    work = args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    # A stage that finds a checkpoint would resume it and prove nothing.
    if any(work.iterdir()):
        raise SystemExit(f"{work} is not empty")
    began = time.monotonic()
    if args.drawn:
        draw_sprites(work / "sprites.npz")
    else:
        if args.npm is not None:
            (work / "npm").symlink_to(args.npm.resolve(), target_is_directory=True)
        stage("data.py", work)
    stage("tokenizer.py", work)
    size = ["--steps", str(args.steps), "--batch", "16"]
    stage("train.py", work, "vision", *size)
    stage("train.py", work, "align", *size)
    stage("train.py", work, "full", *size, "--questions", "2")
    checkpoint = ["--checkpoint", str(work / "full.pt")]
    stage("evaluate.py", work, *checkpoint, "--quick", "--count", "2", "--threads", "1", "--out", str(work / "results.json"))
    stage("export.py", work, *checkpoint, "--out", str(work / "export"))
    verify(work)
    print(f"{work / 'export'} in {time.monotonic() - began:.0f} s")


def stage(script: str, work: Path, *arguments: str) -> None:
    """One script of the recipe in a process of its own, as a person would run it."""
    ordered = [*arguments[:1], "--work", str(work), *arguments[1:]] if script == "train.py" else ["--work", str(work), *arguments]
    print("$", "python", script, *ordered, flush=True)
    environment = {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", **os.environ}
    subprocess.run([sys.executable, str(HERE / script), *ordered], check=True, env=environment, stdout=subprocess.DEVNULL)


def draw_sprites(file: Path) -> None:
    """A star-shaped polygon for each concept: number of points, depth and hue name it, the style shades it."""
    styles = [*TRAIN_STYLES, TEST_STYLE]
    drawn = [(index, style, polygon(index, k)) for index in range(len(CONCEPTS)) for k, style in enumerate(styles)]
    np.savez_compressed(
        file,
        concept=np.array([d[0] for d in drawn]),
        style=np.array([d[1] for d in drawn]),
        icon=np.array([NAMES[d[0]] for d in drawn]),
        rgba=np.stack([d[2] for d in drawn]),
        names=np.array(NAMES),
    )


def polygon(index: int, style: int) -> np.ndarray:
    """[SPRITE, SPRITE, 4] uint8."""
    points = 3 + index % 7
    depth = (1.0, 0.7, 0.45)[index // 7 % 3]
    red, green, blue = colorsys.hsv_to_rgb(index / len(CONCEPTS), 0.9 - 0.05 * style, 0.95 - 0.06 * style)
    angle = np.linspace(0, 2 * np.pi, 2 * points, endpoint=False)
    radius = (SPRITE / 2 - 2) * np.where(np.arange(2 * points) % 2 == 0, 1.0, depth)
    corners = np.stack((SPRITE / 2 + radius * np.sin(angle), SPRITE / 2 - radius * np.cos(angle)), 1)
    image = Image.new("RGBA", (SPRITE, SPRITE))
    fill = tuple(int(255 * c) for c in (red, green, blue))
    ImageDraw.Draw(image).polygon(
        [tuple(c) for c in corners.tolist()], fill=(*fill, 255), outline=(20, 20, 20, 255), width=1 + style % 4
    )
    return np.asarray(image)


def verify(work: Path) -> None:
    """The export is complete, and every question family was asked."""
    missing = [name for name in EXPORTED if not (work / "export" / name).is_file()]
    if missing:
        raise SystemExit(f"{work / 'export'} lacks {', '.join(missing)}")
    rows = json.loads((work / "results.json").read_text())["rows"]
    if not all(0 <= cell[TEST_STYLE] <= 1 for cell in rows.values()):
        raise SystemExit(f"results are not shares: {rows}")


if __name__ == "__main__":
    main()
