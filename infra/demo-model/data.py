"""Fetch the icon packages from npm and render the sprites of every concept.

    python data.py --work DIR [--sheet]

DIR/npm receives the packages, DIR/sprites.npz the rendered sprites. The held-out style `noto` is
rendered like the others, but nothing that trains reads it (see scenes.TRAIN_STYLES).
"""

import argparse
import io
import json
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image, ImageDraw

from concepts import CONCEPTS, EXCLUDED, FXEMOJI_NAMES, NAMES

SPRITE = 112  # side of a stored sprite; scenes only shrink it

# style -> (npm package, version, kind of package)
PACKAGES = {
    "twemoji": ("@iconify-json/twemoji", "1.2.5", "iconify"),
    "emojione": ("@iconify-json/emojione", "1.2.3", "iconify"),
    "fluent-flat": ("@iconify-json/fluent-emoji-flat", "1.2.6", "iconify"),
    "fluent": ("@iconify-json/fluent-emoji", "1.2.7", "iconify"),
    "fluent-3d": ("@lobehub/fluent-emoji-3d", "1.1.0", "codepoint"),
    "noto-v1": ("@iconify-json/noto-v1", "1.2.5", "iconify"),
    "fxemoji": ("@iconify-json/fxemoji", "1.2.2", "iconify"),
    "noto": ("@iconify-json/noto", "1.2.9", "iconify"),
}


def fetch(work: Path) -> dict[str, Path]:
    """Download and unpack each package once, through the ordinary npm client."""
    folders = {}
    root = work / "npm"
    root.mkdir(parents=True, exist_ok=True)
    for style, (package, version, _) in PACKAGES.items():
        stem = f"{package.lstrip('@').replace('/', '-')}-{version}"
        folder = root / stem
        if not (folder / "package.json").exists():
            archive = root / f"{stem}.tgz"
            if not archive.exists():
                subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], cwd=root, check=True)
            folder.mkdir(exist_ok=True)
            with tarfile.open(archive) as tar:
                for member in tar.getmembers():
                    member.name = member.name.partition("/")[2]
                    if member.name:
                        tar.extract(member, folder, filter="data")
        folders[style] = folder
    return folders


def iconify_svg(icons: dict, name: str) -> str | None:
    alias = icons.get("aliases", {}).get(name)
    if alias is not None:
        # An alias that also turns or mirrors the icon is another drawing.
        if set(alias) - {"parent"}:
            return None
        name = alias["parent"]
    icon = icons["icons"].get(name)
    if icon is None:
        return None
    width = icon.get("width", icons.get("width", 16))
    height = icon.get("height", icons.get("height", 16))
    box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{box}" width="{width}" height="{height}">{icon["body"]}</svg>'
    )


def crop(image: Image.Image, side_out: int = SPRITE) -> np.ndarray | None:
    """Cut to the opaque box, centre in a square, scale to `side_out`. None when (almost) nothing is drawn."""
    alpha = np.asarray(image)[:, :, 3]
    if (alpha > 24).mean() < 0.02:
        return None
    rows = np.flatnonzero((alpha > 24).any(1))
    cols = np.flatnonzero((alpha > 24).any(0))
    image = image.crop((cols[0], rows[0], cols[-1] + 1, rows[-1] + 1))
    side = max(image.size)
    square = Image.new("RGBA", (side, side))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return np.asarray(square.resize((side_out, side_out), Image.LANCZOS))


class Icons:
    """Pictures of icons by style and Iconify name."""

    def __init__(self, work: Path):
        self.folders = fetch(work)
        self.sets = {
            style: json.loads((self.folders[style] / "icons.json").read_text())
            for style, (_, _, kind) in PACKAGES.items()
            if kind == "iconify"
        }
        self.code_of: dict[str, str] = {}
        for code, name in json.loads((self.folders["twemoji"] / "chars.json").read_text()).items():
            self.code_of.setdefault(name, code)

    def image(self, style: str, name: str, width: int = 160) -> Image.Image | None:
        if PACKAGES[style][2] == "codepoint":
            code = self.code_of.get(name)
            files = [self.folders[style] / "assets" / f"{c}.webp" for c in (code, f"{code}-fe0f")]
            found = next((f for f in files if f.exists()), None)
            return Image.open(found).convert("RGBA") if found else None
        names = [name, FXEMOJI_NAMES.get(name, name.replace("-", ""))] if style == "fxemoji" else [name]
        svg = next((x for x in (iconify_svg(self.sets[style], n) for n in names) if x), None)
        if svg is None:
            return None
        return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width)))).convert("RGBA")


def render_all(work: Path) -> list[tuple[int, str, str, np.ndarray]]:
    """All sprites as (concept index, style, icon name, RGBA array)."""
    icons = Icons(work)
    sprites = []
    for index, concept in enumerate(CONCEPTS):
        for style in PACKAGES:
            seen = set()
            for name in concept["icons"]:
                image = None if (style, name) in EXCLUDED else icons.image(style, name)
                sprite = None if image is None else crop(image)
                # Some sets give several names to one drawing.
                if sprite is None or sprite.tobytes() in seen:
                    continue
                seen.add(sprite.tobytes())
                sprites.append((index, style, name, sprite))
    return sprites


def contact_sheet(sprites, path: Path, cell: int = 56) -> None:
    """Concepts by styles, to find icons that do not show what their name says."""
    styles = list(PACKAGES)
    groups: dict[tuple[int, str], list] = {}
    for index, style, _, sprite in sprites:
        groups.setdefault((index, style), []).append(sprite)
    width = {s: max(len(groups.get((i, s), [])) for i in range(len(CONCEPTS))) for s in styles}
    sheet = Image.new("RGB", (110 + cell * sum(width.values()), cell * len(CONCEPTS)), (225, 225, 225))
    draw = ImageDraw.Draw(sheet)
    for i, name in enumerate(NAMES):
        draw.text((2, i * cell + 18), name, fill=(0, 0, 0))
        x = 110
        for s in styles:
            for k, sprite in enumerate(groups.get((i, s), [])):
                small = Image.fromarray(sprite).resize((cell - 4, cell - 4), Image.LANCZOS)
                sheet.paste(small, (x + k * cell, i * cell), small)
            x += cell * width[s]
            draw.line((x - 2, 0, x - 2, sheet.height), fill=(90, 90, 90))
    sheet.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sheet", action="store_true", help="also write a contact sheet")
    args = parser.parse_args()
    sprites = render_all(args.work)
    np.savez_compressed(
        args.work / "sprites.npz",
        concept=np.array([s[0] for s in sprites]),
        style=np.array([s[1] for s in sprites]),
        icon=np.array([s[2] for s in sprites]),
        rgba=np.stack([s[3] for s in sprites]),
        names=np.array(NAMES),
    )
    missing = [(NAMES[i], s) for i in range(len(NAMES)) for s in PACKAGES if not any(a == i and b == s for a, b, _, _ in sprites)]
    print(f"{len(sprites)} sprites, {len(NAMES)} concepts; no drawing for {missing}")
    if args.sheet:
        contact_sheet(sprites, args.work / "sheet.png")


if __name__ == "__main__":
    main()
