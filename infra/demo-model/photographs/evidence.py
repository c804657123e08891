"""From the trunk's map to evidence: how much each cell speaks for each thing that the model can name. Trained by reader.py."""

from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F

from .concepts import CONCEPTS
from .lite0 import CELLS, TAP_WIDTH, WIDTH

KNOWN = len(CONCEPTS)
CLASSES = KNOWN + 2  # nothing, the things, a thing outside of the vocabulary
HIDDEN = 512
PLACES = CELLS * CELLS
TOKENS = PLACES + 1  # the last one looks at the whole picture
# gated evidence, nothing, other, log mass, energy, colour of the cell, its place, whether it is the whole picture
FEATURES = KNOWN + 2 + 2 + 6 + 2 + 1
ENERGY_SCALE = 0.1


class Evidence(nn.Module):
    """The tower's second half: [n, 49, *] of the trunk to evidence tokens [n, 50, FEATURES]."""

    def __init__(self):
        super().__init__()
        self.register_buffer("class_weight", torch.zeros(1000, WIDTH))
        self.register_buffer("class_bias", torch.zeros(1000))
        mapping = torch.zeros(1000, KNOWN)
        for k, concept in enumerate(CONCEPTS):
            mapping[concept["imagenet"], k] = 1
        self.register_buffer("mapping", mapping)
        for name, width in (("map", WIDTH), ("tap", 4 * TAP_WIDTH)):
            self.register_buffer(f"{name}_mean", torch.zeros(width))
            self.register_buffer(f"{name}_std", torch.ones(width))
        self.first = nn.Linear(WIDTH + 4 * TAP_WIDTH, HIDDEN)
        self.second = nn.Linear(HIDDEN, CLASSES)
        y, x = torch.meshgrid(torch.linspace(-1, 1, CELLS), torch.linspace(-1, 1, CELLS), indexing="ij")
        where = torch.cat((torch.stack((x.flatten(), y.flatten(), torch.zeros(PLACES)), 1), torch.tensor([[0.0, 0.0, 1.0]])))
        self.register_buffer("where", where)

    def reader(self, seen, tap):
        """Logits of A. Both inputs are standardised here; a tap of None stands for its mean."""
        seen = (seen - self.map_mean) / self.map_std
        tap = torch.zeros(*seen.shape[:-1], 4 * TAP_WIDTH) if tap is None else (tap - self.tap_mean) / self.tap_std
        return self.second(F.relu(self.first(torch.cat((seen, tap), -1))))

    def classes(self, seen):
        return (seen @ self.class_weight.T + self.class_bias).softmax(-1)

    def forward(self, seen, tap, color):
        """The gate is S + (1 - sum S) p over the things. In a cell S counts as far as the classifier is sure of the whole:
        of drawings it is sure of nothing, and its chance evidence in their cells would drown what A reads there."""
        seen, tap, color = (torch.cat((x, x.mean(1, keepdim=True)), 1) for x in (seen, tap, color))
        logits = self.reader(seen, tap)
        known = self.classes(seen) @ self.mapping
        sure = known[:, -1:].max(-1, keepdim=True).values ** 2
        known = torch.cat((known[:, :-1] * sure, known[:, -1:]), 1)
        mass = known.sum(-1, keepdim=True)
        rest = (1 - mass) * logits.softmax(-1)
        gated = known + rest[..., 1 : KNOWN + 1]
        energy = logits[..., 1 : KNOWN + 1].logsumexp(-1, keepdim=True) * ENERGY_SCALE
        where = self.where.expand(seen.shape[0], -1, -1)
        return torch.cat((gated, rest[..., :1], rest[..., KNOWN + 1 :], (mass + 1e-6).log(), energy, color, where), -1)


def load(path: Path) -> Evidence:
    net = Evidence()
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["net"])
    return net.eval()
