"""What the model can name. Chosen from a contact sheet: each concept looks alike in every icon set."""


def _c(phrase: str, kind: str, *icons: str) -> dict:
    """phrase: noun phrase with its article; icons: Iconify names whose drawings show the concept."""
    return {"phrase": phrase, "kind": kind, "icons": icons}


CONCEPTS = [
    _c("a dog", "animal", "dog", "dog-face", "guide-dog", "service-dog"),
    _c("a cat", "animal", "cat", "cat-face"),
    _c("a pig", "animal", "pig", "pig-face"),
    _c("an elephant", "animal", "elephant"),
    _c("a rabbit", "animal", "rabbit", "rabbit-face"),
    _c("a fish", "animal", "fish", "tropical-fish"),
    _c("a penguin", "animal", "penguin"),
    _c("a turtle", "animal", "turtle"),
    _c("a butterfly", "animal", "butterfly"),
    _c("a bee", "animal", "honeybee"),
    _c("a ladybug", "animal", "lady-beetle"),
    _c("a frog", "animal", "frog", "frog-face"),
    _c("a monkey", "animal", "monkey", "monkey-face"),
    _c("an apple", "fruit", "red-apple", "green-apple"),
    _c("a banana", "fruit", "banana"),
    _c("grapes", "fruit", "grapes"),
    _c("a strawberry", "fruit", "strawberry"),
    _c("cherries", "fruit", "cherries"),
    _c("a lemon", "fruit", "lemon"),
    _c("a watermelon", "fruit", "watermelon"),
    _c("a pineapple", "fruit", "pineapple"),
    _c("pizza", "food", "pizza"),
    _c("a hamburger", "food", "hamburger"),
    _c("a donut", "food", "doughnut"),
    _c("ice cream", "food", "soft-ice-cream"),
    _c("a car", "vehicle", "automobile", "oncoming-automobile", "sport-utility-vehicle"),
    _c("a bus", "vehicle", "bus", "oncoming-bus", "trolleybus"),
    _c("a bicycle", "vehicle", "bicycle"),
    _c("an airplane", "vehicle", "airplane"),
    _c("a rocket", "vehicle", "rocket"),
    _c("a sailboat", "vehicle", "sailboat"),
    _c("a helicopter", "vehicle", "helicopter"),
    _c("a tree", "plant", "deciduous-tree"),
    _c("a cactus", "plant", "cactus"),
    _c("a sunflower", "plant", "sunflower"),
    _c("a guitar", "instrument", "guitar"),
    _c("a piano", "instrument", "musical-keyboard"),
    _c("a drum", "instrument", "drum"),
    _c("a key", "object", "key", "old-key"),
    _c("scissors", "object", "scissors"),
    _c("an umbrella", "object", "umbrella", "umbrella-with-rain-drops"),
    _c("a clock", "object", "alarm-clock", "one-oclock", "two-oclock", "three-oclock", "four-oclock", "ten-oclock"),
    _c("a balloon", "object", "balloon"),
    _c("a book", "object", "closed-book", "green-book", "blue-book", "orange-book", "open-book"),
    _c("a camera", "object", "camera", "camera-with-flash"),
    _c("a heart", "object", "red-heart", "blue-heart", "green-heart", "yellow-heart", "orange-heart"),
    _c("a star", "object", "star", "glowing-star"),
    _c("a soccer ball", "object", "soccer-ball"),
    # Version 2. New concepts go to the end: checkpoints and the held-out pairs count by index.
    _c("an owl", "animal", "owl"),
    _c("a snail", "animal", "snail"),
    _c("a whale", "animal", "whale", "spouting-whale"),
    _c("an octopus", "animal", "octopus"),
    _c("a carrot", "food", "carrot"),
    _c("a cake", "food", "birthday-cake"),
    _c("a train", "vehicle", "locomotive"),
    _c("a tulip", "plant", "tulip"),
    _c("a crown", "object", "crown"),
    _c("a light bulb", "object", "light-bulb"),
    _c("a gift", "object", "wrapped-gift"),
    _c("a hammer", "object", "hammer"),
    _c("a hat", "object", "top-hat"),
    _c("a moon", "object", "crescent-moon"),
]

NAMES = [c["phrase"].removeprefix("a ").removeprefix("an ") for c in CONCEPTS]

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
    "scissors": "blackscissors",
    "green-heart": "heartgreen",
    "yellow-heart": "heartyellow",
    "star": "whitemediumstar",
    "spouting-whale": "spurtingwhale",
    "locomotive": "steamlocomotive",
    "one-oclock": "clock1oclock",
    "two-oclock": "clock2oclock",
    "three-oclock": "clock3oclock",
    "four-oclock": "clock4oclock",
    "camera-with-flash": "camerawithflash",
}

# (style, icon) pairs whose drawing does not show the concept: full square scenes, furled umbrellas.
EXCLUDED = {("fxemoji", "sailboat"), ("fxemoji", "umbrella")}

KINDS = {
    "animal": "an animal",
    "fruit": "a fruit",
    "food": "food",
    "vehicle": "a vehicle",
    "plant": "a plant",
    "instrument": "a musical instrument",
    "object": "an object",
}

# Kinds that can be counted; "objects" would count everything.
PLURALS = {
    "animal": "animals",
    "fruit": "fruits",
    "vehicle": "vehicles",
    "plant": "plants",
    "instrument": "musical instruments",
}

# Noun phrases that take "are".
PLURAL_PHRASES = {"grapes", "cherries", "scissors"}
