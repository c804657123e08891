"""Measure a checkpoint or an exported folder: families by style, blind baseline, steps, abstention.

    python evaluate.py --work DIR --checkpoint DIR/full.pt [--count 200] [--out DIR/results.json]

Every picture is new. `noto` is the style that training never sees; in its scenes with two or more
objects at least one pair of concepts was never seen together. `seen` uses the training styles.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from concepts import NAMES
from model import Config, LlavaLLaDA
from questions import UNSURE, Asker, Outside
from sampler import generate
from scenes import TEST_STYLE, TRAIN_STYLES, Composer, SpritePool
from tokenizer import Codec

# row -> (family, numbers of objects)
ROWS = {
    "what, 1 object": ("what", [1]),
    "what, 2 objects": ("what", [2]),
    "what, 3-4 objects": ("what", [3, 4]),
    "describe, 1 object": ("describe", [1]),
    "describe, 2 objects": ("describe", [2]),
    "background colour": ("bg", [1, 2, 3, 4]),
    "kind": ("kind", [1]),
    "is it a (kind)?": ("iskind", [1]),
    "is there a (thing)?": ("exist", [1, 2, 3, 4]),
    "how many": ("count", [1, 2, 3, 4]),
    "what is (place), 2 objects": ("what_at", [2]),
    "what is (place), 3-4 objects": ("what_at", [3, 4]),
    "where is the (thing)": ("where", [2, 3, 4]),
    "is the (thing) left of the (thing)?": ("relation", [2, 3, 4]),
    "which is bigger?": ("bigger", [2]),
    "how many (kind)": ("countkind", [1, 2, 3, 4]),
    "follow-up": ("follow", [1, 2, 3, 4]),
    "where is the (absent thing)": ("absent", [1, 2, 3, 4]),
    "what, empty picture or noise": ("what", [0]),
}
# Rows in which "I am not sure." is never right.
ANSWERABLE = [r for r in ROWS if not r.startswith("where is the (absent") and not r.endswith("noise")]
BLIND_STEPS = 4
STEPS_ROWS = ["what, 1 object", "what is (place), 3-4 objects", "where is the (thing)", "describe, 2 objects"]


def load(path: Path) -> LlavaLLaDA:
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model = LlavaLLaDA(Config(**saved["config"]))
    model.load_state_dict(saved["model"])
    return model.eval()


class TestScenes:
    def __init__(self, work: Path, config: Config, styles: dict[str, float], seed: int):
        rng = np.random.default_rng([seed, 77])
        pool = SpritePool(work / "sprites.npz", styles, rng, augment=False)
        self.composer = Composer(pool, rng, config.image_size, config.patch_size, train=False)
        self.asker = Asker(rng, Outside(rng, test=True))
        self.rng = rng

    def draw(self, row: str, count: int, start: int = 0):
        """[(scene, question, answer)]; single-object rows walk through the concepts evenly."""
        family, numbers = ROWS[row]
        out = []
        for i in range(start, start + count):
            while True:
                concept = i % len(NAMES) if numbers == [1] else None
                scene = self.composer.compose(numbers[i % len(numbers)], concept=concept)
                if self.asker.possible(scene, family):
                    break
            out.append((scene, *self.asker.ask(scene, family)[:2]))
        return out


def replies(model, codec, items, canvas, steps) -> list[str]:
    ids = generate(model, codec, [s.image for s, _, _ in items], [q for _, q, _ in items], canvas, steps)
    return [codec.decode(i) for i in ids]


def exact(model, codec, items, canvas, steps) -> float:
    got = replies(model, codec, items, canvas, steps)
    return float(np.mean([g == a for g, (_, _, a) in zip(got, items)]))


def right_words(got: str, wanted: str) -> float:
    """Words that both have, each as often as in both, over the words of the longer one."""
    a, b = (Counter(text.lower().replace(",", " ").replace(".", " ").split()) for text in (got, wanted))
    return (a & b).total() / max(a.total(), b.total())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--count", type=int, default=192, help="questions in each row and style")
    parser.add_argument("--canvas", type=int, default=32)
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="only the rows, at 8 steps")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, codec = load(args.checkpoint), Codec(args.work / "tokenizer")
    steps = 8 if args.quick else args.steps
    result: dict = {"canvas": args.canvas, "steps": steps, "count": args.count, "rows": {}, "false_abstention": {}}
    drawn = {}
    for style, styles in (("seen", TRAIN_STYLES), (TEST_STYLE, {TEST_STYLE: 1.0})):
        scenes = TestScenes(args.work, model.config, styles, args.seed)
        unsure = []
        for row in ROWS:
            items = drawn[style, row] = scenes.draw(row, args.count)
            got = replies(model, codec, items, args.canvas, steps)
            right = [g == a for g, (_, _, a) in zip(got, items)]
            cell = result["rows"].setdefault(row, {})
            cell[style] = float(np.mean(right))
            if row in ANSWERABLE:
                unsure += [g == UNSURE for g in got]
            if ROWS[row][0] == "describe":
                cell[f"{style}_words"] = float(np.mean([right_words(g, a) for g, (_, _, a) in zip(got, items)]))
            if row == "what, 1 object":
                tried, missed = Counter(), Counter()
                for ok, (scene, _, _) in zip(right, items):
                    tried[NAMES[scene.objects[0].concept]] += 1
                    missed[NAMES[scene.objects[0].concept]] += not ok
                result[f"missed_{style}"] = {n: [k, tried[n]] for n, k in missed.most_common() if k}
            if style == TEST_STYLE and not args.quick:
                # The same questions with other pictures of the row: what the text alone gives away.
                order = np.random.default_rng(args.seed).permutation(len(items))
                swapped = [(items[k][0], q, a) for k, (_, q, a) in zip(order, items)]
                cell["blind"] = exact(model, codec, swapped, args.canvas, BLIND_STEPS)
        result["false_abstention"][style] = float(np.mean(unsure))
        outside = [(scenes.composer.compose(), scenes.asker.outside.ask(), UNSURE) for _ in range(args.count)]
        result.setdefault("abstain_outside", {})[style] = exact(model, codec, outside, args.canvas, steps)
    if not args.quick:
        result["abstain_by_form"] = {}
        for form in ("template", "gibberish", "words", "foreign", "script", "long"):
            items = [(scenes.composer.compose(), scenes.asker.outside.ask(form), UNSURE) for _ in range(64)]
            result["abstain_by_form"][form] = exact(model, codec, items, args.canvas, steps)
        result["steps_curve"] = {}
        for n in (1, 2, 4, 8, 16, 32):
            result["steps_curve"][str(n)] = {
                row: exact(model, codec, drawn[TEST_STYLE, row], args.canvas, n) for row in STEPS_ROWS
            }
    print(json.dumps(result, indent=1))
    if args.out:
        args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
