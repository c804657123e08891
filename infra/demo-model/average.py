"""Average the weights of checkpoints of one run: what the end of a decaying rate would do, when a run has to stop before it.

python average.py --out DIR/averaged.pt DIR/snaps/1.pt DIR/snaps/2.pt ...
"""

import argparse
from pathlib import Path

import torch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    saved = [torch.load(p, map_location="cpu", weights_only=True) for p in args.checkpoints]
    model = {n: torch.stack([s["model"][n].double() for s in saved]).mean(0).float() for n in saved[0]["model"]}
    torch.save({"config": saved[0]["config"], "model": model, "steps": [s["step"] for s in saved]}, args.out)


if __name__ == "__main__":
    main()
