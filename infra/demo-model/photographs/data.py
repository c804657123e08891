"""Icon packages to sprites: every concept in every style, and icons of things that the model does not know.

    python -m photographs.data --work DIR [--sheet]

writes DIR/sprites.npz and DIR/sprites-rgba.npy. The held-out styles `noto` and `openmoji` are rendered like the others, but
nothing that trains reads them (see ../scenes.py, TRAIN_STYLES).
"""

import argparse
import io
import json
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image

import data as icon_data
from data import PACKAGES, crop, fetch, iconify_svg

from .concepts import CONCEPTS, EXCLUDED, FXEMOJI_NAMES, NAMES

SPRITE = 192  # side of a stored sprite
OTHER = -1  # concept of an icon outside of the vocabulary
OTHERS = 420  # names of such icons
# Far from the training styles: outlines. CC-BY-SA, so it is measured on and neither shipped nor trained on.
FAR = {"openmoji": ("@iconify-json/openmoji", "1.2.29", "iconify")}

# An icon with one of these words in its name may show something that the model knows, or nothing that has a name.
NOT_OTHER = (
    "dog wolf cat kitten tiger lion leopard pig boar elephant mammoth rabbit fish shark whale dolphin penguin turtle bee "
    "butterfly bug ant cricket beetle frog monkey gorilla orangutan apple banana strawberry lemon lime pineapple pizza "
    "hamburger sandwich ice-cream ice shaved car taxi bus trolley bicycle bike biking airplane plane rocket sailboat boat "
    "canoe speedboat ferry guitar banjo piano keyboard drum umbrella clock watch oclock thirty timer balloon book books notebook "
    "ledger camera video-camera soccer ball basketball volleyball baseball softball owl snail shell train locomotive railway "
    "tram metro monorail station hammer pick wrench hat cap helmet crown beverage tea teacup teapot coffee mug cup chair seat "
    "couch horse unicorn zebra donkey moose deer ewe ram sheep goat cow ox buffalo bison tangerine orange peach panda bear fox "
    "raccoon camel llama koala kangaroo hippopotamus hippo rhinoceros chipmunk squirrel hedgehog hamster mouse rat crab lobster "
    "shrimp scorpion spider web snake lizard gecko dragon crocodile dinosaur t-rex sauropod bird eagle dove chick chicken rooster "
    "poultry turkey duck goose swan flamingo peacock parrot phoenix feather mushroom corn broccoli hot-dog pretzel bread baguette "
    "bagel croissant shoe boot sandal heel slipper ballet shirt coat dress clothes jeans shorts sunglasses glasses goggles backpack "
    "handbag purse pouch briefcase television laptop computer desktop phone telephone pager printer fax candle violin trumpet horn "
    "saxophone truck lorry van fire-engine ambulance police-car tractor motorcycle scooter ship anchor church mosque synagogue "
    "temple kaaba castle tower flower blossom sunflower hibiscus rose tulip bouquet lotus hyacinth rosette flag woman man men women "
    "person people family couple kiss boy girl baby child hand hands finger fist face skin arrow button keycap letter sign symbol "
    "square circle diamond triangle o-button zodiac red-heart heart number index backhand thumbs palm nail regional"
).split()


class Icons:
    """Pictures of icons by style and Iconify name."""

    def __init__(self, work: Path):
        icon_data.PACKAGES.update(FAR)
        self.folders = fetch(work)
        kinds = {style: kind for style, (_, _, kind) in PACKAGES.items()}
        self.sets = {
            s: json.loads((self.folders[s] / "icons.json").read_text()) for s, kind in kinds.items() if kind == "iconify"
        }
        self.code_of: dict[str, str] = {}
        for code, name in json.loads((self.folders["twemoji"] / "chars.json").read_text()).items():
            self.code_of.setdefault(name, code)

    def image(self, style: str, name: str, width: int = 256) -> Image.Image | None:
        if PACKAGES[style][2] == "codepoint":
            code = self.code_of.get(name)
            files = [self.folders[style] / "assets" / f"{c}.webp" for c in (code, f"{code}-fe0f")]
            found = next((f for f in files if f.exists()), None)
            return Image.open(found).convert("RGBA") if found else None
        # An old name that means another drawing today comes first.
        names = [FXEMOJI_NAMES.get(name, name.replace("-", "")), name] if style == "fxemoji" else [name]
        svg = next((x for x in (iconify_svg(self.sets[style], n) for n in names) if x), None)
        if svg is None:
            return None
        return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width)))).convert("RGBA")

    def sprite(self, style: str, name: str, side: int) -> np.ndarray | None:
        image = self.image(style, name)
        return None if image is None else crop(image, side)

    def others(self) -> list[str]:
        """Names of icons outside of the vocabulary, the same on every machine."""
        known = {icon for c in CONCEPTS for icon in c["icons"]}
        names = sorted(n for n in set(self.code_of) - known if not any(word in n for word in NOT_OTHER))
        return [names[i] for i in np.random.default_rng(0).permutation(len(names))[:OTHERS]]


def render_all(work: Path) -> list[tuple[int, str, str, np.ndarray]]:
    """All sprites as (concept index or OTHER, style, icon name, RGBA array)."""
    icons = Icons(work)
    sprites = []
    wanted = [(index, name) for index, c in enumerate(CONCEPTS) for name in c["icons"]]
    wanted += [(OTHER, name) for name in icons.others()]
    seen = set()
    for index, name in wanted:
        for style in PACKAGES:
            if (style, name) in EXCLUDED or (index == OTHER and style in ("fluent", "fxemoji")):
                continue
            sprite = icons.sprite(style, name, SPRITE)
            # Some sets give several names to one drawing.
            if sprite is None or (style, sprite.tobytes()) in seen:
                continue
            seen.add((style, sprite.tobytes()))
            sprites.append((index, style, name, sprite))
    return sprites


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sheet", action="store_true", help="also write contact sheets of the concepts")
    args = parser.parse_args()
    sprites = render_all(args.work)
    # Apart, so that it can be mapped into memory.
    np.save(args.work / "sprites-rgba.npy", np.stack([s[3] for s in sprites]))
    np.savez_compressed(
        args.work / "sprites.npz",
        concept=np.array([s[0] for s in sprites]),
        style=np.array([s[1] for s in sprites]),
        icon=np.array([s[2] for s in sprites]),
    )
    drawn = {(s[0], s[1]) for s in sprites}
    print(f"{len(sprites)} sprites; styles per concept:")
    print({n: sum((i, s) in drawn for s in PACKAGES) for i, n in enumerate(NAMES)})
    if args.sheet:
        icon_data.CONCEPTS, icon_data.NAMES = CONCEPTS, NAMES
        icon_data.contact_sheet([s for s in sprites if s[0] != OTHER], args.work / "sheet.png")


if __name__ == "__main__":
    main()
