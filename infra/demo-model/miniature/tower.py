"""The shipped demo model's tokenizer and vision tower, read from its bundle: what all runs of the miniature share."""

import json
from pathlib import Path

import numpy as np
import torch

from model import Config, VisionTower

BUNDLE = Path(__file__).parent.parent / "bundle"
NAME = "unmask-demo"


def blob(sha256: str) -> Path:
    return BUNDLE / "blobs" / "sha256" / sha256


def manifest() -> dict:
    folder = BUNDLE / "models" / NAME
    version = json.loads((folder / "latest.json").read_text())["version"]
    return json.loads((folder / version / "manifest.json").read_text())


def write_tokenizer(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes(blob(manifest()["files"][name]["sha256"]).read_bytes())


def tensor(stage: bytes, entry: dict) -> torch.Tensor:
    """One tensor in float32, in its logical shape. Encodings: see `TensorEntry` of src/domain/bundle.ts."""

    def numbers(part: dict, kind) -> np.ndarray:
        return np.frombuffer(stage, kind, part["bytes"] // np.dtype(kind).itemsize, part["offset"])

    shape = entry["shape"]
    if entry["encoding"] == "f32":
        return torch.from_numpy(numbers(entry["data"], "<f4").reshape(shape).copy())
    if entry["encoding"] == "w8":
        steps = numbers(entry["data"], "i1").reshape(shape[::-1]).astype(np.float32)
        return torch.from_numpy((steps * numbers(entry["scales"], "<f4")).T.copy())
    raise SystemExit(f"{entry['name']} is stored as {entry['encoding']}, which this reader does not know")


def tower() -> VisionTower:
    """Frozen, with the weights that ship. `post_layernorm` is not in a bundle: nothing reads it."""
    stage = next(s for s in manifest()["stages"] if s["name"] == "vision")
    data = b"".join(blob(shard["sha256"]).read_bytes() for shard in stage["shards"])
    weights = {e["name"]: tensor(data, e) for e in stage["tensors"]}
    built = VisionTower(Config(vocab_size=1))
    missing, unexpected = built.vision_tower.vision_model.load_state_dict(weights, strict=False)
    if unexpected or any(not name.startswith("post_layernorm") for name in missing):
        raise SystemExit(f"the bundle's tower is another one: {missing} are missing, {unexpected} unknown")
    return built.eval().requires_grad_(False)
