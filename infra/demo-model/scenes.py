"""Compose labelled scenes from sprites. Every scene is new; nothing is prerendered."""

import hashlib
import io
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from PIL import Image, ImageFilter

from concepts import CONCEPTS

# Three Fluent shadings share one set of drawings, so together they weigh little more than one style.
TRAIN_STYLES = {
    "twemoji": 1.0,
    "emojione": 1.0,
    "fluent-flat": 0.6,
    "fluent": 0.5,
    "fluent-3d": 0.5,
    "noto-v1": 1.0,
    "fxemoji": 0.8,
}
TEST_STYLE = "noto"

COLORS = {
    "red": (215, 40, 40),
    "orange": (245, 140, 30),
    "yellow": (245, 220, 60),
    "green": (60, 165, 70),
    "blue": (50, 100, 215),
    "purple": (135, 60, 170),
    "pink": (245, 150, 190),
    "brown": (125, 80, 45),
    "gray": (135, 135, 135),
    "black": (22, 22, 22),
    "white": (245, 245, 245),
}
COLOR_NAMES = list(COLORS)
PAD = 127  # LLaVA's padding grey

BACKGROUND = 0  # patch label; concept c has label c + 1
IGNORE = -100

PAIRS = ("on the left", "on the right"), ("at the top", "at the bottom")
ALL_CONCEPTS = list(range(len(CONCEPTS)))
# The kinds that have at least four concepts.
SAME_KIND = [
    group
    for kind in dict.fromkeys(c["kind"] for c in CONCEPTS)
    if len(group := [i for i, c in enumerate(CONCEPTS) if c["kind"] == kind]) >= 4
]
QUADRANTS = "at the top left", "at the top right", "at the bottom left", "at the bottom right"


@dataclass
class Placed:
    concept: int
    position: str | None
    side: int = 0  # longer side of the drawing as it stands in the picture, pixels


@dataclass
class Scene:
    image: np.ndarray  # [size, size, 3] uint8, already padded to a square
    labels: np.ndarray  # [patches] concept + 1, BACKGROUND or IGNORE
    color: int | None  # None: no colour can be named (noise)
    objects: list[Placed] = field(default_factory=list)  # reading order


@lru_cache(maxsize=None)
def held_out_pair(a: int, b: int) -> bool:
    """A tenth of the unordered concept pairs never meet in a training scene."""
    low, high = sorted((a, b))
    return hashlib.sha256(f"{low}-{high}".encode()).digest()[0] < 26


def jitter_colors(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Saturation, channel mixing, contrast and brightness of a float picture."""
    gray = rgb.mean(-1, keepdims=True)
    saturation = 0.0 if rng.random() < 0.04 else rng.uniform(0.55, 1.35)
    mix = np.eye(3) + rng.normal(0, 0.05, (3, 3))
    out = (gray + (rgb - gray) * saturation) @ mix.astype(np.float32)
    return (out - 128) * rng.uniform(0.75, 1.2) + 128 + rng.uniform(-28, 28)


class SpritePool:
    """Augmented sprites. A cached variant is used a few dozen times, then made anew."""

    def __init__(self, file, styles: dict[str, float], rng: np.random.Generator, augment: bool = True, variants: int = 16):
        data = np.load(file)
        self.rng, self.augment, self.variants = rng, augment, variants
        self.rgba = [Image.fromarray(x) for x in data["rgba"]]
        self.choices = []
        for concept in range(len(CONCEPTS)):
            ids, weights = [], []
            for style, weight in styles.items():
                mine = np.flatnonzero((data["concept"] == concept) & (data["style"] == style))
                ids += list(mine)
                weights += [weight / max(1, len(mine))] * len(mine)
            weights = np.array(weights)
            self.choices.append((np.array(ids), weights / weights.sum()))
        self.cache: dict[tuple[int, bool], list[np.ndarray]] = {}

    def make(self, index: int, low: float, high: float) -> np.ndarray:
        rng = self.rng
        side = rng.uniform(low, high)
        if not self.augment:
            side = int(side)
            return np.asarray(self.rgba[index].resize((side, side), Image.BICUBIC))
        stretch = np.exp(rng.normal(0, 0.08))
        width, height = (max(8, int(round(side * s))) for s in (stretch, 1 / stretch))
        image = self.rgba[index].convert("RGBa").resize((width, height), Image.BICUBIC)
        # Upright most of the time: rotated drawings are the exception in pictures that people send.
        angle = np.deg2rad(rng.normal(0, 9) if rng.random() < 0.8 else rng.uniform(-35, 35))
        shear = rng.normal(0, 0.08)
        flip = -1 if rng.random() < 0.5 else 1
        matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ [[flip, shear], [0, 1]]
        # A box that holds the transformed corners.
        inverse = np.linalg.inv(matrix)
        corners = np.abs(inverse) @ [width / 2, height / 2]
        out = [int(np.ceil(2 * c)) for c in corners]
        offset = np.array([width, height]) / 2 - matrix @ (np.array(out) / 2)
        image = image.transform(
            out, Image.AFFINE, (matrix[0, 0], matrix[0, 1], offset[0], matrix[1, 0], matrix[1, 1], offset[1]), Image.BICUBIC
        )
        if rng.random() < 0.15:
            image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.9)))
        array = np.asarray(image.convert("RGBA"))
        alpha = array[:, :, 3] > 24
        rows, cols = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
        if len(rows) == 0:
            return array
        return np.ascontiguousarray(array[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1])

    def draw(self, concept: int, small: bool, scale: float = 1.0) -> np.ndarray:
        ids, weights = self.choices[concept]
        index = self.rng.choice(ids, p=weights)
        low, high = (24 * scale, 46 * scale) if small else (38 * scale, 92 * scale)
        key = (int(index), small)
        kept = self.cache.setdefault(key, [])
        if len(kept) < self.variants:
            kept.append(self.make(index, low, high))
            return kept[-1]
        slot = int(self.rng.integers(self.variants))
        if self.rng.random() < 0.08:
            kept[slot] = self.make(index, low, high)
        return kept[slot]


def background(size: int, color: int, rng: np.random.Generator) -> np.ndarray:
    name = COLOR_NAMES[color]
    base = np.array(COLORS[name], np.float32)
    spread = 8 if name in ("white", "black", "gray") else 20
    tint = rng.normal(0, spread / 2) if name in ("white", "black", "gray") else rng.normal(0, spread / 2, 3)
    base = np.clip(base + tint, 0, 255)
    image = np.empty((size, size, 3), np.float32)
    image[:] = base
    kind = rng.random()
    depth = 14 if name in ("white", "black", "gray") else 34
    if kind < 0.2:  # gradient
        angle = rng.uniform(0, 2 * np.pi)
        y, x = np.mgrid[0:size, 0:size] / size - 0.5
        image += ((x * np.cos(angle) + y * np.sin(angle)) * depth)[:, :, None]
    elif kind < 0.28:  # stripes
        period, axis = rng.integers(6, 26), int(rng.integers(2))
        line = ((np.arange(size) // (period // 2)) % 2) * depth - depth / 2
        image += line.reshape((-1, 1, 1) if axis else (1, -1, 1))
    elif kind < 0.38:  # grain
        image += rng.normal(0, depth / 4, (size, size, 1))
    return image


class Composer:
    def __init__(self, pool: SpritePool, rng: np.random.Generator, size: int, patch: int, train: bool = True):
        self.pool, self.rng, self.size, self.patch, self.train = pool, rng, size, patch, train

    def concepts(self, count: int) -> list[int]:
        """Distinct concepts. Training never shows a held-out pair; with two objects a test scene always does.

        A fourth of the larger scenes holds things of one kind, so that counting a kind is worth asking.
        """
        while True:
            among = ALL_CONCEPTS
            if count > 1 and self.rng.random() < 0.25:
                among = SAME_KIND[int(self.rng.integers(len(SAME_KIND)))]
            chosen = self.rng.choice(among, count, replace=False).tolist()
            pairs = [(a, b) for i, a in enumerate(chosen) for b in chosen[i + 1 :]]
            if self.train and any(held_out_pair(*p) for p in pairs):
                continue
            if not self.train and pairs and not any(held_out_pair(*p) for p in pairs):
                continue
            return chosen

    def compose(self, count: int | None = None, plain: bool = False, concept: int | None = None) -> Scene:
        rng = self.rng
        if count is None:
            count = int(rng.choice(5, p=[0.03, 0.5, 0.27, 0.08, 0.12]))
        if count == 0 and not plain and rng.random() < 0.4:
            return self.noise()
        size = self.size
        chosen = [concept] if concept is not None else self.concepts(count)
        if count == 2:
            names = PAIRS[int(rng.integers(2))]
        elif count > 2:
            names = QUADRANTS
        # A picture that is not square arrives with grey bars.
        box = [0, 0, size, size]
        if not plain and rng.random() < 0.15:
            cut = int(size * rng.uniform(0.04, 0.2 if count < 2 else 0.12))
            box = [0, cut, size, size - cut] if rng.random() < 0.5 else [cut, 0, size - cut, size]
        slots = [None] if count == 1 else list(names if count == 2 else rng.permutation(4)[:count]) if count else []
        if count > 2:
            slots = [QUADRANTS[i] for i in sorted(slots)]
        sprites = [self.pool.draw(c, count > 1, size / 96) for c in chosen]
        colors = [s[:, :, :3].astype(np.float32) for s in sprites]
        if self.pool.augment:
            colors = [jitter_colors(c, rng) for c in colors]
        colors = [np.clip(c, 0, 255) for c in colors]
        color = self.contrasting(sprites, colors)
        image = self.ground(color)
        owner = np.zeros((size, size), np.int64)
        sides = [
            self.paste(image, owner, sprite, rgb, self.region(slot, box), k)
            for k, (sprite, rgb, slot) in enumerate(zip(sprites, colors, slots))
        ]
        if box != [0, 0, size, size]:
            bars = np.ones((size, size), bool)
            bars[box[1] : box[3], box[0] : box[2]] = False
            image[bars] = PAD
            owner[bars] = 0
        image = np.clip(image + 0.5, 0, 255).astype(np.uint8)
        if self.train:
            image = self.degrade(image)
        placed = [Placed(*parts) for parts in zip(chosen, slots, sides)]
        return Scene(image, self.patch_labels(owner, chosen), color, placed)

    def ground(self, color: int) -> np.ndarray:
        """[size, size, 3] float32 in the colour's name."""
        return background(self.size, color, self.rng)

    def contrasting(self, sprites, colors) -> int:
        """A background colour on which every object can be seen."""
        rng = self.rng
        means = [(c * s[:, :, 3:]).sum((0, 1)) / max(1.0, s[:, :, 3].sum()) for s, c in zip(sprites, colors)]
        for _ in range(8):
            color = int(rng.integers(len(COLOR_NAMES)))
            if rng.random() < 0.15:
                color = COLOR_NAMES.index("white")
            if all(np.abs(m - COLORS[COLOR_NAMES[color]]).max() > 60 for m in means):
                break
        return color

    @staticmethod
    def region(slot, box):
        """The half or quadrant that a position names; the whole box without one."""
        x0, y0, x1, y1 = box
        slot = slot or ""
        cx, cy = (x0 + x1) // 2, (y0 + y1) // 2
        return (
            cx if "right" in slot else x0,
            cy if "bottom" in slot else y0,
            cx if "left" in slot else x1,
            cy if "top" in slot else y1,
        )

    def paste(self, image, owner, sprite, rgb, region, k) -> int:
        """Draw into the region; the longer side of what was drawn, in pixels."""
        rng = self.rng
        x0, y0, x1, y1 = region
        h, w = sprite.shape[:2]
        # Sprites are cached at random sizes; one that is too large for its region shrinks into it.
        scale = min(1.0, (x1 - x0) / w, (y1 - y0) / h)
        alpha = sprite[:, :, 3]
        if scale < 1:
            w, h = max(4, int(w * scale)), max(4, int(h * scale))
            merged = np.dstack((rgb.astype(np.uint8), alpha))
            merged = np.asarray(Image.fromarray(merged).resize((w, h), Image.BICUBIC))
            rgb, alpha = merged[:, :, :3].astype(np.float32), merged[:, :, 3]
        # In halves and quadrants the free axis stays near the middle, so that positions are not ambiguous.
        x = x0 + int(rng.integers(x1 - x0 - w + 1))
        y = y0 + int(rng.integers(y1 - y0 - h + 1))
        if x1 - x0 > y1 - y0 + 20:
            x = int(np.clip(x0 + (x1 - x0 - w) / 2 + rng.normal(0, 8), x0, x1 - w))
        elif y1 - y0 > x1 - x0 + 20:
            y = int(np.clip(y0 + (y1 - y0 - h) / 2 + rng.normal(0, 8), y0, y1 - h))
        a = alpha[:, :, None].astype(np.float32) / 255
        view = image[y : y + h, x : x + w]
        view += (rgb - view) * a
        owner[y : y + h, x : x + w][alpha > 110] = k + 1
        return max(w, h)

    def patch_labels(self, owner, chosen):
        n, p = self.size // self.patch, self.patch
        blocks = owner.reshape(n, p, n, p).transpose(0, 2, 1, 3).reshape(n * n, p * p)
        labels = np.full(n * n, BACKGROUND)
        covered = (blocks > 0).mean(1)
        labels[covered > 0.04] = IGNORE
        for k, concept in enumerate(chosen):
            labels[(blocks == k + 1).mean(1) > 0.2] = concept + 1
        return labels

    def degrade(self, image):
        rng = self.rng
        roll = rng.random()
        if roll < 0.12:
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "JPEG", quality=int(rng.integers(45, 95)))
            return np.asarray(Image.open(buffer))
        if roll < 0.22:
            side = int(rng.integers(56, 90))
            small = Image.fromarray(image).resize((side, side), Image.BICUBIC)
            return np.asarray(small.resize((self.size, self.size), Image.BICUBIC))
        return image

    def noise(self) -> Scene:
        rng, size = self.rng, self.size
        cell = int(rng.choice([1, 1, 2, 4, 8]))
        shape = (-(-size // cell), -(-size // cell), 3 if rng.random() < 0.7 else 1)
        low = rng.integers(0, 256, shape) if rng.random() < 0.5 else rng.normal(128, rng.uniform(30, 90), shape)
        image = np.repeat(np.repeat(np.clip(low, 0, 255), cell, 0), cell, 1)[:size, :size]
        image = np.broadcast_to(image, (size, size, 3)).astype(np.uint8)
        return Scene(image, np.full((size // self.patch) ** 2, BACKGROUND), None)


def square(image: Image.Image, size: int) -> np.ndarray:
    """The `pad` policy: RGB, centred on a grey square, Pillow's bicubic resize."""
    image = image.convert("RGB")
    side = max(image.size)
    canvas = Image.new("RGB", (side, side), (PAD, PAD, PAD))
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return np.asarray(canvas.resize((size, size), Image.BICUBIC))
