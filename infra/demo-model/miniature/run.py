"""All runs of the miniature, one after the other or several at a time; what is finished is not repeated.

    python -m miniature.run --work DIR [--processes 2] [--hours 2] [--add]

Three kinds × three amounts of data × three seeds at one size, and the middle amount at a second size: 36 runs. Seeds come last, so that
whoever stops early has every point of the curves once. It may be ended at any time and goes on from the last saved step.
"""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import torch

from .examples import prepare
from .kinds import KINDS
from .train import Plan, rate_for, reported, run

EXAMPLES = [2_000, 8_000, 32_000]
HIDDEN, SECOND_HIDDEN = 128, 64
SEEDS = [1, 2, 3]


def plans() -> list[Plan]:
    points = [(count, HIDDEN) for count in (EXAMPLES[1], EXAMPLES[2], EXAMPLES[0])] + [(EXAMPLES[1], SECOND_HIDDEN)]
    return [Plan(kind, count, hidden, seed, rate_for(kind, hidden)) for seed in SEEDS for count, hidden in points for kind in KINDS]


def one(work: Path, plan: Plan) -> tuple[Plan, dict]:
    torch.set_num_threads(1)
    return plan, run(work, plan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=1, help="runs at a time, one thread each")
    parser.add_argument("--hours", type=float, help="no run is begun after these")
    parser.add_argument("--add", action="store_true", help="leave out what results.json has already, of runs made elsewhere")
    args = parser.parse_args()
    folder = prepare(args.work)
    elsewhere = {Plan.of(run).name for run in reported()} if args.add else set()
    open_ = [p for p in plans() if p.name not in elsewhere and not (folder / "runs" / f"{p.name}.json").exists()]
    print(f"{len(plans()) - len(open_)} of {len(plans())} runs are there", flush=True)
    began = time.time()
    with ProcessPoolExecutor(args.processes) as pool:
        waiting, running = list(open_), set()
        while waiting or running:
            late = args.hours is not None and time.time() - began > args.hours * 3600
            while waiting and not late and len(running) < args.processes:
                running.add(pool.submit(one, args.work, waiting.pop(0)))
            if not running:
                break
            done = next(as_completed(running))
            running.discard(done)
            plan, result = done.result()
            seen = max(v["accuracy"] for v in result["seen"].values())
            print(f"{plan.name}: {100 * seen:.1f}% of seen styles, {result['seconds']:.0f} s", flush=True)


if __name__ == "__main__":
    main()
