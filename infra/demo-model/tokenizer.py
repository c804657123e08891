"""Byte-level BPE in LLaDA's manner, its merges learnt on the task's own text.

    python tokenizer.py --work DIR

writes DIR/tokenizer/{tokenizer.json,tokenizer_config.json,special_tokens_map.json}.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from concepts import CONCEPTS
from questions import OTHER_THINGS, UNSURE, Asker, Outside
from scenes import COLOR_NAMES, PAIRS, QUADRANTS, Placed, Scene

VOCAB_SIZE = 896
BOS, EOS, MASK = "<|startoftext|>", "<|endoftext|>", "<|mdm_mask|>"
START_HEADER, END_HEADER, EOT = "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"
SPECIAL = [BOS, EOS, MASK, START_HEADER, END_HEADER, EOT]

# LLaDA's alternatives: contractions, words, single digits, symbols, one run of spaces that ends in a
# newline, trailing spaces, spaces.
PATTERN = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"

CHAT_TEMPLATE = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
)


def corpus(seed: int = 0):
    """Answers, questions and a little outside text, in about the proportions of training."""
    rng = np.random.default_rng(seed)
    asker = Asker(rng, Outside(rng))
    for _ in range(60000):
        count = int(rng.choice(5, p=[0.05, 0.4, 0.35, 0.1, 0.1]))
        slots = [None] if count == 1 else list(PAIRS[int(rng.integers(2))]) if count == 2 else list(QUADRANTS[:count])
        drawn = zip(rng.choice(len(CONCEPTS), count, replace=False), slots, rng.integers(24, 46, count))
        objects = [Placed(int(c), slot, int(side)) for c, slot, side in drawn]
        scene = Scene(None, None, int(rng.integers(len(COLOR_NAMES))), objects)
        question, answer, _ = asker.ask(scene)
        yield from [question] if isinstance(question, str) else question
        yield answer
    for _ in range(20000):
        yield "user"
        yield "assistant"
    for _ in range(300):
        yield UNSURE
    for thing in OTHER_THINGS:
        yield thing


def build(texts=corpus, size: int = VOCAB_SIZE, special: list[str] = SPECIAL) -> Tokenizer:
    """`texts` yields what the merges are learnt on; `size` counts the special tokens too."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(special),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=[],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts(), trainer)
    tokenizer.add_special_tokens(special)
    return tokenizer


def write(tokenizer: Tokenizer, folder: Path, special: list[str] = SPECIAL) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    added = {
        str(tokenizer.token_to_id(t)): {
            "content": t, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True,
        }
        for t in special
    }  # fmt: skip
    config = {
        "add_bos_token": False,
        "add_eos_token": False,
        "added_tokens_decoder": added,
        "additional_special_tokens": [MASK],
        "bos_token": BOS,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": EOS,
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 1024,
        "pad_token": EOS,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    plain = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    special = {"additional_special_tokens": [MASK]} | {
        key: {"content": token, **plain} for key, token in (("bos_token", BOS), ("eos_token", EOS), ("pad_token", EOS))
    }
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")


class Codec:
    """The prompt around a picture, as LLaDA-V builds it."""

    def __init__(self, folder: Path):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.size = self.tokenizer.get_vocab_size()
        self.bos, self.eos, self.mask, self.start, self.end, self.eot = (self.tokenizer.token_to_id(t) for t in SPECIAL)
        # The sampler never writes these.
        self.suppressed = [self.eos, self.bos, self.start, self.end, self.mask]
        self.before = self.encode(f"{BOS}{START_HEADER}user{END_HEADER}\n\n")
        self.cache: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def after(self, question: str | list[str]) -> list[int]:
        """Ids behind the picture. The reference drops the first one, the newline behind `<image>`.

        A list alternates between the user and the assistant and ends with the user.
        """
        turns = [question] if isinstance(question, str) else question
        text = f"\n{turns[0]}".rstrip() + EOT
        for k, turn in enumerate(turns[1:]):
            text += f"{START_HEADER}{('assistant', 'user')[k % 2]}{END_HEADER}\n\n{turn.strip()}{EOT}"
        return self.encode(f"{text}{START_HEADER}assistant{END_HEADER}\n\n")[1:]

    def answer(self, text: str) -> list[int]:
        if text not in self.cache:
            self.cache[text] = self.encode(text)
        return self.cache[text]

    def decode(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    folder = args.work / "tokenizer"
    write(build(), folder)
    codec = Codec(folder)
    print(codec.size, "tokens;", "before the picture:", codec.before)
    for text in ("What is this?", "A dog on the left and scissors on the right, on an orange background.", UNSURE):
        print([codec.decode([i]) for i in codec.after(text)], len(codec.answer(text)))


if __name__ == "__main__":
    main()
