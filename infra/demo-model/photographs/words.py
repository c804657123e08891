"""Tokenizer and prompts: ../tokenizer.py over this vocabulary, one more special token, and pictures anywhere.

python -m photographs.words --work DIR
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import tokenizer as icon_tokenizer
from questions import UNSURE
from scenes import COLOR_NAMES, PAIRS, QUADRANTS, Placed
from tokenizer import BOS, END_HEADER, EOT, SPECIAL, START_HEADER

from .concepts import CONCEPTS, PHRASES
from .conversations import SYSTEM, Conversation, Talker
from .evidence import TOKENS
from .questions import OTHER_THINGS
from .scenes import View

FILL = "<|fill|>"  # what is left of a hole that is wider than its value
VOCAB_SIZE = 1152
PICTURE = -1  # stands in ids for one vector of a picture
VECTORS = TOKENS + 1  # of a picture: its tokens and the newline


def corpus(seed: int = 0):
    """Conversations in about the proportions of training."""
    rng = np.random.default_rng(seed)
    views = []
    for _ in range(4000):
        count = int(rng.choice(5, p=[0.05, 0.4, 0.35, 0.1, 0.1]))
        slots = [None] if count == 1 else list(PAIRS[int(rng.integers(2))]) if count == 2 else list(QUADRANTS[:count])
        drawn = zip(rng.choice(len(CONCEPTS), count, replace=False), slots, rng.integers(24, 46, count))
        objects = [Placed(int(c), slot, int(side)) for c, slot, side in drawn]
        views.append(View(objects, int(rng.integers(len(COLOR_NAMES)))))
    talker = Talker(rng, views, lambda: int(rng.integers(len(views))))
    for kind, count in (("one", 50000), ("form", 8000), ("turns", 3000), ("pictures", 6000), ("later", 3000)):
        for _ in range(count):
            talk = talker.draw_conversation(kind)
            yield from (turn.text for turn in talk.turns)
            yield from (turn.answer for turn in talk.turns if turn.answer)
            yield from talk.answers
    for _ in range(20000):
        yield "user"
        yield "assistant"
        yield "system"
    for _ in range(300):
        yield UNSURE
    # Each name, as it stands inside of a text, is one token.
    for phrase in PHRASES:
        for _ in range(400):
            yield f" {phrase.split(' ')[-1] if phrase.startswith(('a ', 'an ')) else phrase}"
            yield phrase
    yield from OTHER_THINGS
    yield from SYSTEM


@dataclass
class Prompt:
    ids: list[int]  # PICTURE where a picture's vectors stand
    starts: list[int]  # where each picture begins


class Codec(icon_tokenizer.Codec):
    """The prompt around pictures, as LLaDA-V builds it."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.fill = self.tokenizer.token_to_id(FILL)

    def prompt(self, talk: Conversation) -> Prompt:
        messages: list[tuple[str, int, str]] = [] if talk.system is None else [("system", 0, talk.system)]
        for turn in talk.turns:
            messages.append(("user", len(turn.pictures), turn.text))
            if turn.answer is not None:
                messages.append(("assistant", 0, turn.answer))
        ids, starts, open_text = [], [], BOS
        for role, pictures, text in messages:
            open_text += f"{START_HEADER}{role}{END_HEADER}\n\n"
            for k in range(pictures):
                # The reference drops the first id behind each picture: the space or the newline.
                ids += self.encode(open_text)[1 if k else 0 :]
                starts.append(len(ids))
                ids += [PICTURE] * VECTORS
                open_text = " "
            if pictures:
                ids += self.encode(f"\n{text}".rstrip() + EOT)[1:]
                open_text = ""
            else:
                open_text += text.strip() + EOT
            if open_text:
                ids += self.encode(open_text)
                open_text = ""
        return Prompt(ids + self.encode(f"{START_HEADER}assistant{END_HEADER}\n\n"), starts)

    def canvas(self, talk: Conversation, length: int) -> tuple[list[int], list[bool], list[float]] | None:
        """Target ids, which of them are given, and their weights; the longest answer that fits. None when none does."""
        if talk.slots is None:
            for text in talk.answers:
                ids = self.answer(text)
                if len(ids) < length:
                    rest = length - len(ids) - 1
                    return [*ids, self.eot] + [self.eot] * rest, [False] * length, [1.0] * (len(ids) + 1) + [0.1] * rest
            return None
        ids, given, weight = [], [], []
        for slot in talk.slots:
            piece = self.answer(slot.text) if slot.text else []
            spare = slot.spare if slot.hole else 0
            ids += piece + [self.fill] * spare
            given += [not slot.hole] * (len(piece) + spare)
            weight += [1.0] * len(piece) + ([1.0] + [0.3] * (spare - 1) if spare else [])
        if len(ids) + 1 > length:
            return None
        rest = length - len(ids)
        return ids + [self.eot] * rest, given + [True] + [False] * (rest - 1), weight + [0.1] * rest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    folder = args.work / "tokenizer"
    special = [*SPECIAL, FILL]
    icon_tokenizer.write(icon_tokenizer.build(corpus, VOCAB_SIZE, special), folder, special)
    codec = Codec(folder)
    split = [p for p in PHRASES if len(codec.encode(f" {p}")) > len(p.split(" "))]
    print(codec.size, "tokens; names of several tokens:", split)


if __name__ == "__main__":
    main()
