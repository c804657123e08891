"""Make the test pictures and the evaluation set of the repository, all in the held-out style `noto`.

    python fixtures.py --work DIR [--pictures FOLDER] [--evaluation FOLDER [--seed N]]

Answers are what the scene was made of, never a model's output.
"""

import argparse
import json
from collections import Counter
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
    ("whale.png", (240, 240), "yellow", [("whale", "whale", 0.5, 0.5, 0.7)]),
    ("crown-and-owl.png", (256, 256), "blue", [("crown", "crown", 0.25, 0.5, 0.45), ("owl", "owl", 0.75, 0.5, 0.3)]),
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
    first, second, relation = (names[0], names[-1], "to the left of" if beside or len(names) == 4 else "above")
    out += [
        (f"Is the {first} {relation} the {second}?", "Yes."),
        (f"Is the {second} {relation} the {first}?", "No."),
        ("How many animals are there?", f"{NUMBERS[sum(kind[n] == 'an animal' for n in names)]}."),
        (f"Is there {phrase[second]}?", "Yes."),
    ]
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


# Scenes of the evaluation set by number of objects; those with one object walk through all things.
SCENES = {1: len(NAMES), 2: 36, 3: 14, 4: 14, 0: 6}
# Asked about every scene with one object.
SINGLE = ("what", "kind", "iskind")
# family -> (numbers of objects, questions)
FAMILIES = {
    "what": ([2, 3, 4, 0], 24),
    "describe": ([1, 2], 36),
    "bg": ([1, 2, 3, 4], 24),
    "count": ([0, 1, 2, 3, 4], 24),
    "exist": ([1, 2, 3, 4], 36),
    "what_at": ([2, 3, 4], 30),
    "where": ([2, 3, 4], 30),
    "absent": ([1, 2, 3, 4], 24),
    "relation": ([2, 3, 4], 30),
    "bigger": ([2], 24),
    "countkind": ([1, 2, 3, 4], 28),
    "follow": ([1, 2, 3, 4], 28),
    "outside": ([1, 2, 3, 4], 24),
}


def make_evaluation(work: Path, folder: Path, seed: int = 20) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    sets = [TestScenes(work, Config(vocab_size=1, image_size=s), {TEST_STYLE: 1.0}, seed + s) for s in (96, 96, 128)]
    scenes = []
    for objects, count in SCENES.items():
        for k in range(count):
            test = sets[len(scenes) % len(sets)]
            while True:
                scene = test.composer.compose(objects, concept=k if objects == 1 else None)
                # Most pairs are about equally large: the first ones must not be.
                if objects != 2 or k >= FAMILIES["bigger"][1] or test.asker.possible(scene, "bigger"):
                    break
            scenes.append((test, scene))
    asked = [(index, family) for index in range(SCENES[1]) for family in SINGLE]
    rng = np.random.default_rng(seed)
    for family, (objects, count) in FAMILIES.items():
        fit = [i for i, (test, scene) in enumerate(scenes) if len(scene.objects) in objects and test.asker.possible(scene, family)]
        # As many of each number of objects as there are, in turn.
        by_number = [[i for i in rng.permutation(fit) if len(scenes[i][1].objects) == n] for n in objects]
        asked += [(int(i), family) for i in take_turns(by_number, count)]
    lines = []
    for number, (index, family) in enumerate(sorted(asked, key=lambda x: x[0])):
        test, scene = scenes[index]
        question, answer, _ = test.asker.ask(scene, family)
        lines.append(line(number, index, family, question, answer, len(scene.objects)))
    for index, (_, scene) in enumerate(scenes):
        Image.fromarray(scene.image).quantize(255, dither=Image.Dither.NONE).save(folder / f"{index:03d}.png", optimize=True)
    (folder / "questions.jsonl").write_text("".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines))
    print(f"{folder}: {len(scenes)} scenes, {len(lines)} questions, {Counter(x['family'] for x in lines)}")


def take_turns(groups: list[list], count: int) -> list:
    longest = max(map(len, groups))
    return [group[k] for k in range(longest) for group in groups if k < len(group)][:count]


def line(number: int, picture: int, family: str, question: str | list[str], answer: str, objects: int) -> dict:
    """One line of the test set, in the form that `unmask eval` reads."""
    if isinstance(question, list):
        roles = ("user", "assistant", "user")
        asked = {"messages": [{"role": role, "content": text} for role, text in zip(roles, question)]}
    else:
        asked = {"question": question}
    return {
        "id": f"{number:03d}-{family}",
        "image": f"{picture:03d}.png",
        **asked,
        "answer": answer,
        "metric": "words" if family == "describe" else "exact",
        "family": family,
        "split": "held-out",
        "objects": objects,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--evaluation", type=Path)
    parser.add_argument("--seed", type=int, default=20, help="of the evaluation; 20 is the one in the repository")
    args = parser.parse_args()
    if args.pictures:
        make_pictures(args.work, args.pictures)
    if args.evaluation:
        make_evaluation(args.work, args.evaluation, args.seed)


if __name__ == "__main__":
    main()
