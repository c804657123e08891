"""Pictures to measure on, from Debian packages (pictures.json): photographs of known and of other things, and drawn ones.

    apt-get download PACKAGE && dpkg -x PACKAGE_*.deb DIR/debs/x/PACKAGE     # for each package of pictures.json
    python -m photographs.pictures --work DIR [--fit pad]                    # writes DIR/pictures.npz and DIR/pictures.json

None is trained on, and none is shipped.
"""

import argparse
import hashlib
import io
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from scenes import square

from .cache import look
from .lite0 import SIZE, Lite0, fetch

BACKDROP = (255, 255, 255)  # under cut-outs


@dataclass
class Picture:
    group: str  # whole, cut-out, drawing: of known things; other, cut-out-other, drawing-other, text, screenshot, chart, texture
    name: str
    label: str | None
    half: str  # "choose": looked at while the recipe was chosen; "measure": only at the end
    pixels: np.ndarray  # [224, 224, 3] uint8


def half_of(name: str) -> str:
    return ("choose", "measure")[hashlib.sha256(name.encode()).digest()[0] % 2]


@lru_cache(maxsize=4)
def resources(path: Path) -> dict[str, bytes]:
    """Members of a Qt resource bundle: a tree of nodes, names in UTF-16, data that may be deflated."""
    raw = path.read_bytes()
    version, tree, data, names = struct.unpack(">IIII", raw[4:20])
    node = 14 if version < 2 else 22
    found = {}

    def walk(index: int, folder: str) -> None:
        at = tree + index * node
        name_at, flags = struct.unpack(">IH", raw[at : at + 6])
        length = struct.unpack(">H", raw[names + name_at : names + name_at + 2])[0]
        name = raw[names + name_at + 6 : names + name_at + 6 + 2 * length].decode("utf-16-be") if index else ""
        full = f"{folder}/{name}" if name else folder
        if flags & 2:
            count, child = struct.unpack(">II", raw[at + 6 : at + 14])
            for k in range(count):
                walk(child + k, full)
            return
        start = data + struct.unpack(">I", raw[at + 10 : at + 14])[0]
        size = struct.unpack(">I", raw[start : start + 4])[0]
        body = raw[start + 4 : start + 4 + size]
        found[full] = zlib.decompress(body[4:]) if flags & 1 else body

    walk(0, "")
    return found


def read(root: Path, file: str) -> Image.Image:
    outer, _, member = file.partition("!")
    image = Image.open(io.BytesIO(resources(root / outer)[member]) if member else root / outer)
    if image.mode in ("RGBA", "LA", "P"):
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, BACKDROP)
        ground.alpha_composite(image)
        image = ground
    return image.convert("RGB")


def packaged(debs: Path, fit: str = "stretch") -> Iterator[Picture]:
    listed = json.loads((Path(__file__).parent / "pictures.json").read_text())["pictures"]
    for group, package, file, label in listed:
        image = read(debs / package, file)
        image.thumbnail((1024, 1024))
        pixels = square(image, SIZE) if fit == "pad" else np.asarray(image.resize((SIZE, SIZE), Image.BICUBIC))
        yield Picture(group, file, label, half_of(file), pixels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--fit", choices=("stretch", "pad"), default="stretch", help="how a picture becomes a square")
    args = parser.parse_args()
    torch.set_num_threads(1)
    trunk, pictures = Lite0(fetch(args.work)), list(packaged(args.work / "debs" / "x", args.fit))
    parts = [look(trunk, np.stack([p.pixels for p in pictures[i : i + 16]])) for i in range(0, len(pictures), 16)]
    arrays = {name: np.concatenate(a) for name, a in zip(("map", "tap", "color"), zip(*parts))}
    np.savez(args.work / "pictures.npz", **arrays)
    meta = [{"group": p.group, "name": p.name, "label": p.label, "half": p.half} for p in pictures]
    (args.work / "pictures.json").write_text(json.dumps(meta))
    print(f"{len(meta)} pictures")


if __name__ == "__main__":
    main()
