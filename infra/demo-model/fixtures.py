"""Make the test pictures and the evaluation set of the repository, all in the held-out style `noto`.

    python fixtures.py --work DIR --pictures FOLDER --evaluation FOLDER

Answers are what the scene was made of, never a model's output.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from concepts import CONCEPTS, KINDS, NAMES
from data import Icons, crop
from evaluate import TestScenes
from model import Config
from questions import NUMBERS, UNSURE, capital
from scenes import COLORS, PAIRS, QUADRANTS, TEST_STYLE

# file, (width, height), background, [(concept, icon, centre x, centre y, side)], in parts of the picture's height
PICTURES = [
    ("dog.png", (256, 256), "white", [("dog", "dog-face", 0.5, 0.5, 0.78)]),
    ("bus.jpg", (256, 256), "yellow", [("bus", "bus", 0.5, 0.5, 0.8)]),
    ("cat.png", (256, 256), "blue", [("cat", "cat-face", 0.48, 0.52, 0.7)]),
    ("banana.jpg", (256, 256), "purple", [("banana", "banana", 0.5, 0.5, 0.75)]),
    ("rocket.png", (208, 208), "black", [("rocket", "rocket", 0.5, 0.5, 0.8)]),
    ("strawberry.png", (200, 200), "green", [("strawberry", "strawberry", 0.55, 0.5, 0.65)]),
    ("bicycle-wide.jpg", (320, 224), "orange", [("bicycle", "bicycle", 0.7, 0.5, 0.85)]),
    ("umbrella-tall.png", (192, 256), "pink", [("umbrella", "umbrella", 0.375, 0.5, 0.62)]),
    ("scissors.png", (256, 256), "white", [("scissors", "scissors", 0.5, 0.5, 0.7)]),
    ("dog-and-bus.png", (256, 256), "green", [("dog", "dog", 0.25, 0.5, 0.42), ("bus", "bus", 0.75, 0.5, 0.42)]),
    ("frog-above-star.jpg", (256, 256), "purple", [("frog", "frog", 0.5, 0.25, 0.42), ("star", "star", 0.5, 0.75, 0.42)]),
    ("apple-and-guitar.png", (256, 256), "white", [("apple", "green-apple", 0.25, 0.5, 0.4), ("guitar", "guitar", 0.75, 0.5, 0.44)]),
    (
        "four.jpg",
        (256, 256),
        "gray",
        [
            ("pizza", "pizza", 0.25, 0.25, 0.4),
            ("helicopter", "helicopter", 0.75, 0.25, 0.42),
            ("penguin", "penguin", 0.25, 0.75, 0.4),
            ("heart", "red-heart", 0.75, 0.75, 0.38),
        ],
    ),
    ("empty.png", (256, 256), "blue", []),
]  # fmt: skip


def answers_for(color: str, objects) -> list[tuple[str, str]]:
    phrase = {NAMES[i]: c["phrase"] for i, c in enumerate(CONCEPTS)}
    kind = {NAMES[i]: KINDS[c["kind"]] for i, c in enumerate(CONCEPTS)}
    names = [o[0] for o in objects]
    out = [("What color is the background?", f"{capital(color)}."), ("How many objects are there?", f"{NUMBERS[len(names)]}.")]
    ground = f"on {'an' if color == 'orange' else 'a'} {color} background."
    if not names:
        return [*out, ("What is this?", UNSURE), ("Is there a dog in the picture?", "No.")]
    if len(names) == 1:
        out += [
            ("What is this?", f"{capital(phrase[names[0]])}."),
            ("What kind of thing is this?", f"{capital(kind[names[0]])}."),
            ("Is this an animal?", "Yes." if kind[names[0]] == "an animal" else "No."),
            ("Describe the picture.", f"{capital(phrase[names[0]])} {ground}"),
            ("Who painted this?", UNSURE),
        ]
        return out
    beside = objects[0][2] != objects[1][2] and len(names) == 2
    places = QUADRANTS if len(names) == 4 else PAIRS[0 if beside else 1]
    for name, place in zip(names, places):
        out += [(f"What is {place}?", f"{capital(phrase[name])}."), (f"Where is the {name}?", f"{capital(place)}.")]
    if len(names) == 2:
        listed = " and ".join(f"{phrase[n]} {p}" for n, p in zip(names, places))
        out.append(("Describe the picture.", f"{capital(listed)}, {ground}"))
    out.append(("Is there a cactus?", "No."))
    return out


def make_pictures(work: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    icons = Icons(work)
    rows = []
    for file, size, color, objects in PICTURES:
        image = Image.new("RGB", size, COLORS[color])
        for _, icon, x, y, side in objects:
            sprite = Image.fromarray(crop(icons.image(TEST_STYLE, icon, 512), int(side * size[1])))
            image.paste(sprite, (int(x * size[1] - sprite.width / 2), int(y * size[1] - sprite.height / 2)), sprite)
        image.save(folder / file, **({"quality": 90} if file.endswith("jpg") else {"optimize": True}))
        rows += [{"file": file, "question": q, "answer": a} for q, a in answers_for(color, objects)]
    (folder / "answers.json").write_text(json.dumps(rows, indent=2) + "\n")


# row of evaluate.ROWS -> scenes in the evaluation set
EVALUATION = {
    "what, 1 object": 48,
    "what is (place), 2 objects": 12,
    "describe, 2 objects": 12,
    "where is the (thing)": 8,
    "what is (place), 3-4 objects": 6,
    "how many": 8,
    "what, empty picture or noise": 6,
}
# Further families asked about the same scene, by number of objects.
MORE = {
    0: ["count"],
    1: ["bg", "kind", "iskind", "exist", "describe", "outside"],
    2: ["bg", "exist", "what", "outside"],
    3: ["bg", "exist", "where"],
    4: ["bg", "exist", "where"],
}


def make_evaluation(work: Path, folder: Path, seed: int = 20) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    sets = [TestScenes(work, Config(vocab_size=1, image_size=s), {TEST_STYLE: 1.0}, seed + s) for s in (96, 128)]
    lines, number = [], 0
    rng = np.random.default_rng(seed)
    for row, count in EVALUATION.items():
        for k in range(count):
            test = sets[k % 2]
            ((scene, question, answer),) = test.draw(row, 1, start=k)
            file = f"{number:03d}.png"
            number += 1
            Image.fromarray(scene.image).save(folder / file, optimize=True)
            family = row.split(",")[0]
            lines.append({"image": file, "question": question, "answer": answer, "family": family, "objects": len(scene.objects)})
            for other in rng.choice(MORE[len(scene.objects)], min(2, len(MORE[len(scene.objects)])), replace=False):
                question, answer, family = test.asker.ask(scene, str(other))
                lines.append(
                    {"image": file, "question": question, "answer": answer, "family": family, "objects": len(scene.objects)}
                )
    (folder / "questions.jsonl").write_text("".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path, required=True)
    args = parser.parse_args()
    make_pictures(args.work, args.pictures)
    make_evaluation(args.work, args.evaluation)


if __name__ == "__main__":
    main()
