"""Labelled scenes at the trunk's size: what ../scenes.py composes, with things outside of the vocabulary and textured grounds."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

import scenes as icon_scenes
from scenes import BACKGROUND, Placed, SpritePool, held_out_pair

from .concepts import CONCEPTS
from .data import OTHER
from .lite0 import CELLS, SIZE
from .procedural import page, texture

TEST_STYLES = {"held out": {"noto": 1.0}, "far": {"openmoji": 1.0}}
OTHER_LABEL = len(CONCEPTS) + 1  # of a cell; concept c has label c + 1
ALL = list(range(len(CONCEPTS)))
SAME_KIND = [
    group
    for kind in dict.fromkeys(c["kind"] for c in CONCEPTS)
    if len(group := [i for i in ALL if CONCEPTS[i]["kind"] == kind]) >= 4
]
# Kinds of scenes and their shares.
COUNTS = {"noise": 0.015, "none": 0.025, "page": 0.03, "other": 0.09, "1": 0.4, "2": 0.25, "3": 0.07, "4": 0.12}
TEXTURED = 0.16  # share of the scenes whose ground is a texture without a colour to name


@dataclass
class View:
    """What questions need to know of a picture."""

    objects: list[Placed] = field(default_factory=list)  # reading order
    color: int | None = None  # None: no colour can be named
    other: bool = False  # it shows a thing outside of the vocabulary

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> "View":
        raw = json.loads(text)
        return View([Placed(**o) for o in raw["objects"]], raw["color"], raw["other"])


class Pool(SpritePool):
    """Sprites mapped from disk, augmented anew each time: at this size the trunk takes longer than the sprite."""

    def __init__(self, work: Path, styles: dict[str, float], rng: np.random.Generator, augment: bool = True):
        data = np.load(work / "sprites.npz")
        self.rng, self.augment = rng, augment
        self.rgba = _Mapped(np.load(work / "sprites-rgba.npy", mmap_mode="r"))
        self.choices = {}
        for concept in [OTHER, *ALL]:
            ids, weights = [], []
            for style, weight in styles.items():
                mine = np.flatnonzero((data["concept"] == concept) & (data["style"] == style))
                ids += list(mine)
                weights += [weight / max(1, len(mine))] * len(mine)
            if ids:
                self.choices[concept] = np.array(ids), np.array(weights) / sum(weights)

    def draw(self, concept: int, small: bool, scale: float = 1.0) -> np.ndarray:
        ids, weights = self.choices[concept]
        low, high = (24 * scale, 46 * scale) if small else (36 * scale, 94 * scale)
        return self.make(int(self.rng.choice(ids, p=weights)), low, high)


class _Mapped:
    def __init__(self, array):
        self.array = array

    def __getitem__(self, index):
        return Image.fromarray(np.asarray(self.array[index]))


class Composer(icon_scenes.Composer):
    def __init__(self, pool: Pool, rng: np.random.Generator, train: bool = True):
        super().__init__(pool, rng, SIZE, SIZE // CELLS, train)
        self.textured = False

    def concepts(self, count: int) -> list[int]:
        """As the other recipe: pairs that are held out never meet in training, and always do in a test scene."""
        while True:
            among = ALL
            if count > 1 and self.rng.random() < 0.25:
                among = SAME_KIND[int(self.rng.integers(len(SAME_KIND)))]
            among = [c for c in among if c in self.pool.choices]
            chosen = self.rng.choice(among, count, replace=False).tolist()
            pairs = [(a, b) for i, a in enumerate(chosen) for b in chosen[i + 1 :]]
            if self.train and any(held_out_pair(*p) for p in pairs):
                continue
            if not self.train and pairs and not any(held_out_pair(*p) for p in pairs):
                continue
            return chosen

    def draw(self, kind: str | None = None, concept: int | None = None) -> tuple[np.ndarray, np.ndarray, View]:
        """A picture [224, 224, 3], the labels of its cells [49], and what it shows. `kind` is a key of COUNTS."""
        rng = self.rng
        if kind is None:
            kind = str(rng.choice(list(COUNTS), p=list(COUNTS.values())))
        self.textured = False
        if kind == "noise":
            scene = self.noise()
            return scene.image, scene.labels, View()
        if kind == "page":
            image = page(rng, SIZE)
            return image, self.busy(image), View([], None, True)
        if kind == "other":
            scene = self.compose(1, concept=OTHER)
        else:
            scene = self.compose(0 if kind == "none" else int(kind), plain=kind == "none", concept=concept)
        color = None if self.textured else scene.color
        return scene.image, scene.labels, View([] if kind == "other" else scene.objects, color, kind == "other")

    def ground(self, color: int) -> np.ndarray:
        self.textured = self.rng.random() < TEXTURED
        return texture(self.rng, self.size) if self.textured else super().ground(color)

    def patch_labels(self, owner, chosen):
        return super().patch_labels(owner, [OTHER_LABEL - 1 if c == OTHER else c for c in chosen])

    @staticmethod
    def busy(image: np.ndarray) -> np.ndarray:
        """Labels of a page: cells with something in them show a thing outside of the vocabulary."""
        cells = image.astype(np.float32).reshape(CELLS, SIZE // CELLS, CELLS, SIZE // CELLS, 3).swapaxes(1, 2)
        return np.where(cells.reshape(CELLS * CELLS, -1, 3).std(1).max(-1) > 6, OTHER_LABEL, BACKGROUND)
