"""Checkpoints that are either whole or not there."""

import os
from pathlib import Path

import torch


def save(path: Path, **parts) -> None:
    torch.save(parts, f"{path}.new")
    os.replace(f"{path}.new", path)
