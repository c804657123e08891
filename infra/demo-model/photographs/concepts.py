"""What the model can name: everyday things that have drawings in the icon sets and classes in ImageNet (concepts.json)."""

import json
from pathlib import Path

CONCEPTS: list[dict] = json.loads((Path(__file__).parent / "concepts.json").read_text())["concepts"]
NAMES = [c["phrase"].removeprefix("a ").removeprefix("an ") for c in CONCEPTS]
PHRASES = [c["phrase"] for c in CONCEPTS]

KINDS = {
    "animal": "an animal",
    "fruit": "a fruit",
    "food": "food",
    "vehicle": "a vehicle",
    "plant": "a plant",
    "instrument": "a musical instrument",
    "clothing": "clothing",
    "building": "a building",
    "object": "an object",
}
# Kinds that can be counted; "objects" would count everything.
PLURALS = {
    "animal": "animals",
    "fruit": "fruits",
    "vehicle": "vehicles",
    "instrument": "musical instruments",
    "building": "buildings",
}
# Noun phrases that take "are".
PLURAL_PHRASES = {"jeans", "sunglasses"}

# fxemoji uses older Unicode names without hyphens; the ones that differ in more than the hyphens:
FXEMOJI_NAMES = {
    "dog-face": "dog",
    "dog": "dogside",
    "cat-face": "cat",
    "cat": "catside",
    "pig-face": "pig",
    "pig": "pigside",
    "rabbit-face": "bunny",
    "rabbit": "bunnyside",
    "pizza": "sliceofpizza",
    "spouting-whale": "spurtingwhale",
    "locomotive": "steamlocomotive",
    "one-oclock": "clock1oclock",
    "two-oclock": "clock2oclock",
    "three-oclock": "clock3oclock",
    "four-oclock": "clock4oclock",
    "camera-with-flash": "camerawithflash",
    "panda": "pandaface",
    "camel": "dromedarycamel",
    "two-hump-camel": "bactriancamel",
    "tiger-face": "tiger",
    "tiger": "tigerside",
    "ewe": "sheep",
    "fox": "foxgrin",
    "ear-of-corn": "earofmaize",
    "mans-shoe": "mensshoe",
    "t-shirt": "mansshirt",
    "backpack": "schoolsatchel",
    "mobile-phone": "cellphone",
    "sunglasses": "darksunglasses",
}

# (style, icon) pairs whose drawing does not show the concept: full square scenes, furled umbrellas, a face without a body,
# a hoop with a small ball, a desktop computer.
EXCLUDED = {
    ("fxemoji", "sailboat"),
    ("fxemoji", "umbrella"),
    ("fxemoji", "bird"),
    ("fxemoji", "ship"),
    ("noto-v1", "basketball"),
    ("noto-v1", "laptop"),
}
