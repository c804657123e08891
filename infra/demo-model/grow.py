"""Carry a trained model over to more concepts and another tokenizer, so that training need not start anew.

    python grow.py vision --work DIR --vision OLD/full.pt
    python train.py vision --work DIR ...                       # the tower learns the new things
    python grow.py full --work DIR --vision DIR/vision.pt --language OLD/averaged.pt --tokenizer OLD/tokenizer
    python train.py full --work DIR ...

Each writes DIR/<stage>.pt at step 0, from which train.py goes on. New concepts must stand at the end of concepts.py.
"""

import argparse
from pathlib import Path

import torch
from tokenizers import Tokenizer

from concepts import CONCEPTS
from tokenizer import Codec
from train import save

TOWER = "model.vision_tower"


def grow_rows(rows: torch.Tensor, old: Tokenizer, new: Tokenizer) -> torch.Tensor:
    """Rows of a vocabulary table by token string; a new token starts as the mean of its pieces in the old vocabulary."""
    known = old.get_vocab()
    out = rows.mean(0).repeat(new.get_vocab_size(), 1)
    for token, index in new.get_vocab().items():
        pieces = [known[token]] if token in known else [i for i in old.encode(new.decode([index])).ids if i < len(rows)]
        if pieces:
            out[index] = rows[pieces].mean(0)
    return out


def grow_head(head: dict) -> dict:
    """A new concept starts as the mean of the old ones, with a little noise to tell the new ones apart."""
    weight, bias = head["concept.weight"], head["concept.bias"]
    missing = len(CONCEPTS) + 1 - len(weight)
    noise = 0.02 * torch.randn(missing, weight.shape[1], generator=torch.Generator().manual_seed(1))
    grown = {
        "concept.weight": torch.cat((weight, weight[1:].mean(0) + noise)),
        "concept.bias": torch.cat((bias, bias[1:].mean().repeat(missing))),
    }
    return {**head, **grown}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["vision", "full"])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--vision", type=Path, required=True, help="a checkpoint with the vision tower and its patch head")
    parser.add_argument("--language", type=Path, help="a checkpoint with everything else")
    parser.add_argument("--tokenizer", type=Path, help="folder of the tokenizer that --language was trained with")
    args = parser.parse_args()
    vision = torch.load(args.vision, map_location="cpu", weights_only=True)
    config, model = vision["config"], vision["model"]
    if args.stage == "full":
        language = torch.load(args.language, map_location="cpu", weights_only=True)
        codec = Codec(args.work / "tokenizer")
        old = Tokenizer.from_file(str(args.tokenizer / "tokenizer.json"))
        tower = {n: t for n, t in model.items() if n.startswith(TOWER)}
        model = {**language["model"], **tower}
        for name in ("model.embed_tokens.weight", "lm_head.weight"):
            model[name] = grow_rows(model[name], old, codec.tokenizer)
        config = {**language["config"], "vocab_size": codec.size}
    save(args.work / f"{args.stage}.pt", config=config, model=model, head=grow_head(vision["head"]), step=0)


if __name__ == "__main__":
    main()
