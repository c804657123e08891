"""Muon for the matrices inside the blocks, AdamW for everything else; one rate for both."""

import math

import torch


def orthogonalise(g: torch.Tensor) -> torch.Tensor:
    """Newton-Schulz iteration on a stack of matrices: their singular values move close to 1."""
    x = g / (g.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.transpose(-2, -1)
    for _ in range(5):
        a = x @ x.transpose(-2, -1)
        x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
    return x.transpose(-2, -1) if tall else x


class Muon(torch.optim.Optimizer):
    """The update is scaled to AdamW's usual size (0.2 RMS), so one learning rate serves both optimizers."""

    def __init__(self, params, lr: float, momentum: float = 0.95, weight_decay: float = 0.05):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes: dict[torch.Size, list] = {}
            for p in group["params"]:
                if p.grad is not None:
                    shapes.setdefault(p.shape, []).append(p)
            for shape, params in shapes.items():
                updates = []
                for p in params:
                    buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                    buffer.lerp_(p.grad, 1 - group["momentum"])
                    updates.append(p.grad.lerp(buffer, group["momentum"]))
                scale = 0.2 * math.sqrt(max(shape)) * group["lr"]
                for p, update in zip(params, orthogonalise(torch.stack(updates))):
                    p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(update, alpha=scale)


class Optimizers:
    """Both optimizers as one; `groups` maps a prefix of parameter names to a factor on the rate."""

    def __init__(self, model: torch.nn.Module, groups: dict[str, float]):
        self.parts = []
        names = dict(model.named_parameters())
        for prefix, factor in groups.items():
            mine = {n: p for n, p in names.items() if n.startswith(prefix) and p.requires_grad}
            matrices = [p for n, p in mine.items() if p.ndim == 2 and ".layers." in n]
            rest = [p for n, p in mine.items() if not (p.ndim == 2 and ".layers." in n)]
            if matrices:
                self.parts.append((Muon(matrices, lr=0.0), factor))
            if rest:
                self.parts.append((torch.optim.AdamW(rest, lr=0.0, betas=(0.9, 0.98), weight_decay=0.01), factor))

    def step(self, rate: float) -> None:
        params = [p for o, _ in self.parts for g in o.param_groups for p in g["params"] if p.grad is not None]
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        for optimizer, factor in self.parts:
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state_dict(self):
        return [o.state_dict() for o, _ in self.parts]

    def load_state_dict(self, states):
        for (optimizer, _), state in zip(self.parts, states):
            optimizer.load_state_dict(state)
