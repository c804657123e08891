"""Pictures, questions and answers, drawn once with a fixed seed: the same for all runs of the miniature.

    python -m miniature.examples --work DIR

needs DIR/sprites.npz (`python data.py --work DIR`) and writes DIR/miniature/{train,seen,held-out}.npz, the pictures as the frozen
tower's features. Smaller training sets are the first so many of the largest.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from evaluate import TestScenes
from losses import to_pixels
from model import Config
from questions import Asker, Outside
from scenes import TEST_STYLE, TRAIN_STYLES, Composer, SpritePool
from tokenizer import Codec

from .tower import tower, write_tokenizer

SIZE, PATCH = 96, 16
CANVAS = 16
QUESTION = 26  # tokens behind the picture; a longer question is drawn again
LARGEST = 32_000
# Rows of `evaluate.ROWS`, those whose answers fit the canvas.
TEST_ROWS = [
    "what, 1 object", "what, 2 objects", "describe, 1 object", "background colour", "kind", "is there a (thing)?",
    "how many", "what is (place), 2 objects", "where is the (thing)", "is the (thing) left of the (thing)?",
]  # fmt: skip
TEST_COUNT = 60  # of each row and style


@dataclass
class Examples:
    features: torch.Tensor  # [n, patches, width] float16
    questions: torch.Tensor  # [n, QUESTION] right-aligned, what stands before them is not looked at
    lengths: torch.Tensor  # [n] tokens of the question
    answers: torch.Tensor  # [n, CANVAS], filled up with ends of turn
    rows: list[str]  # family of each question

    def __len__(self):
        return len(self.lengths)


def load(path: Path, count: int | None = None) -> Examples:
    data = np.load(path)
    parts = {name: torch.from_numpy(data[name][:count]) for name in ("features", "questions", "lengths", "answers")}
    return Examples(**parts, rows=[str(r) for r in data["rows"][:count]])


def write(path: Path, codec: Codec, items: list) -> None:
    """`items`: (picture, question, answer, row)."""
    questions = np.full((len(items), QUESTION), codec.eos)
    answers = np.full((len(items), CANVAS), codec.eot)
    lengths = np.zeros(len(items), np.int64)
    for k, (_, question, answer, _) in enumerate(items):
        ids, reply = codec.after(question), codec.answer(answer)
        questions[k, QUESTION - len(ids) :] = ids
        answers[k, : len(reply)] = reply
        lengths[k] = len(ids)
    features = []
    net = tower()
    with torch.no_grad():
        for at in range(0, len(items), 256):
            images = torch.from_numpy(np.stack([image for image, *_ in items[at : at + 256]]))
            features.append(net(to_pixels(images)).half().numpy())
    np.savez(
        path, features=np.concatenate(features), questions=questions, lengths=lengths, answers=answers, rows=[r for *_, r in items]
    )  # fmt: skip


def fits(codec: Codec, question, answer: str) -> bool:
    return isinstance(question, str) and len(codec.after(question)) <= QUESTION and len(codec.answer(answer)) < CANVAS


def training(work: Path, codec: Codec, count: int) -> list:
    rng = np.random.default_rng([1, 2025])
    composer = Composer(SpritePool(work / "sprites.npz", TRAIN_STYLES, rng), rng, SIZE, PATCH)
    asker = Asker(rng, Outside(rng))
    items = []
    while len(items) < count:
        scene = composer.compose()
        question, answer, family = asker.ask(scene, asker.family(scene, follow=False))
        if fits(codec, question, answer):
            items.append((scene.image, question, answer, family))
    return items


def testing(work: Path, codec: Codec, styles: dict[str, float], count: int) -> list:
    scenes = TestScenes(work, Config(vocab_size=1, image_size=SIZE, patch_size=PATCH), styles, seed=5)
    items = []
    for row in TEST_ROWS:
        drawn = [i for i in scenes.draw(row, count * 3) if fits(codec, i[1], i[2])][:count]
        items += [(scene.image, question, answer, row) for scene, question, answer in drawn]
    return items


def prepare(work: Path, count: int = LARGEST, tests: int = TEST_COUNT) -> Path:
    """Makes what is not there yet; the folder that it lies in."""
    folder = work / "miniature"
    if not (folder / "tokenizer").exists():
        write_tokenizer(folder / "tokenizer")
    codec = Codec(folder / "tokenizer")
    for name, draw in (
        ("train", lambda: training(work, codec, count)),
        ("seen", lambda: testing(work, codec, TRAIN_STYLES, tests)),
        ("held-out", lambda: testing(work, codec, {TEST_STYLE: 1.0}, tests)),
    ):
        if not (folder / f"{name}.npz").exists():
            print(f"drawing {name}", flush=True)
            write(folder / f"{name}.npz", codec, draw())
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    prepare(args.work)


if __name__ == "__main__":
    main()
