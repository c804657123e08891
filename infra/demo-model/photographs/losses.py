"""What the language tower minimises: the diffusion loss of the answers, and losses that tie words to cells (see ../losses.py)."""

import torch
import torch.nn.functional as F

from model import gather_rows
from scenes import IGNORE

from .concepts import NAMES
from .evidence import PLACES
from .scenes import OTHER_LABEL
from .words import VECTORS, Codec

WEIGHTS = {"answer": 1.0, "match": 0.1, "name": 0.1, "point": 0.4, "order": 0.4, "turn": 0.2}
# Layers of the language tower after which a cell must know that the question names it, and as which of two things.
POINT_LAYER, ORDER_LAYER = 1, 2
TURN_LAYER = 0  # after which a name in the question must know whether it is the first or the second
NAMED_CELLS = 8  # of a picture, drawn anew for each question
TEMPERATURE, TURN_SCALE = 0.1, 20.0


class Heads(torch.nn.Module):
    """Read-outs of training only. Classes: not named, named; not named, named first, named second."""

    def __init__(self, hidden: int):
        super().__init__()
        self.point = torch.nn.Linear(hidden, 2)
        self.order = torch.nn.Linear(hidden, 3)


class Naming:
    def __init__(self, codec: Codec):
        self.words = torch.tensor([codec.encode(f" {name}")[0] for name in NAMES])
        if len(set(self.words.tolist())) < len(NAMES):
            raise SystemExit("two names begin with the same token: enlarge the tokenizer's vocabulary")
        self.tokens = torch.cat((torch.tensor(codec.encode(" background")[:1]), self.words))
        self.of_token = torch.zeros(codec.size, dtype=torch.long)
        self.of_token[self.words] = torch.arange(1, len(NAMES) + 1)
        self.turn = F.normalize(torch.randn(4096, generator=torch.Generator().manual_seed(7)), dim=0)

    def matching(self, model, visual, labels):
        """The vector that enters the language tower is nearest to its word's embedding. Object cells only."""
        covered = (labels > 0) & (labels < OTHER_LABEL)
        if not covered.any():
            return visual.sum() * 0
        vectors = F.normalize(visual[covered].float(), dim=-1)
        words = F.normalize(model.model.embed_tokens(self.words).float(), dim=-1)
        return F.cross_entropy(vectors @ words.T / TEMPERATURE, labels[covered] - 1)

    def mentions(self, ids, asked):
        """Label of the first and the second thing that the last message names, -1 for none, and where: [rows, 2] each."""
        labels = torch.where(asked, self.of_token[ids.clamp_min(0)], 0)
        places, far = torch.arange(ids.shape[1]).expand_as(ids), ids.shape[1]
        first = torch.where(labels > 0, places, far).min(1).values
        second = torch.where((labels > 0) & (places > first[:, None]), places, far).min(1).values
        where = torch.stack((first, second), 1)
        return F.pad(labels, (0, 1), value=-1).gather(1, where), where

    def turns(self, hidden, mentions, where):
        both = mentions[:, 1] > 0
        if not both.any():
            return hidden.sum() * 0
        names = F.normalize(gather_rows(hidden[both], where[both]).float(), dim=-1)
        scores = TURN_SCALE * names @ F.normalize(self.turn[: hidden.shape[-1]], dim=0)
        return F.binary_cross_entropy_with_logits(scores, torch.tensor([0.0, 1.0]).expand_as(scores))

    def pointing(self, head, hidden, labels, mentions):
        """Cells know which of them the question names: `hidden` after two layers, [rows, 49, width] each."""
        asked = (mentions[:, 0] > 0) & (labels != IGNORE).any(1)
        if not asked.any():
            # Zero, yet through the heads: processes that average their gradients must all have the same ones.
            return [layer(states).sum() * 0 for layer, states in ((head.point, hidden[0]), (head.order, hidden[1]))]
        labels, mentions = labels[asked], mentions[asked]
        first, second = (labels == mentions[:, k, None] for k in (0, 1))
        order = torch.where(first, 1, torch.where(second, 2, 0))
        order = torch.where(labels == IGNORE, IGNORE, order)
        losses = []
        for layer, target, states in ((head.point, order.clamp(max=1), hidden[0]), (head.order, order, hidden[1])):
            weight = torch.tensor([1.0] + [4.0] * (layer.out_features - 1))  # named cells are few
            losses.append(
                F.cross_entropy(layer(states[asked]).float().flatten(0, 1), target.flatten(), weight=weight, ignore_index=IGNORE)
            )
        return losses

    def naming(self, model, hidden, labels):
        """The language tower says the name at the cell itself."""
        known = labels != IGNORE
        if not known.any():
            return hidden.sum() * 0
        targets = self.tokens[torch.where(labels[known] == OTHER_LABEL, 0, labels[known])]
        return F.cross_entropy(model.lm_head(hidden[known]).float(), targets)


def mask_answers(given: torch.Tensor, share_full: float) -> torch.Tensor:
    """LLaDA's forward process on what is not given: each token masked with probability t; t is uniform, or 1."""
    rows, canvas = given.shape
    t = torch.rand(rows, 1) * 0.98 + 0.02
    t[torch.rand(rows, 1) < share_full] = 1.0
    masked = (torch.rand(rows, canvas) < t) & ~given
    # A row without any mask teaches nothing.
    empty = ~masked.any(1)
    masked[empty] = ~given[empty]
    return masked


def language_losses(model, head, codec, naming, batch, share_full: float) -> dict[str, torch.Tensor]:
    """`batch`: see train.Batches. Diffusion: mean cross-entropy over the masked tokens of each answer."""
    ids, start, target, given = batch["ids"], batch["start"], batch["target"], batch["given"]
    rows, canvas = target.shape
    masked = mask_answers(given, share_full)
    places = start[:, None] + torch.arange(canvas)
    shown = ids.scatter(1, places, torch.where(masked, torch.tensor(codec.mask), target))
    projected = model.project(batch["tokens"])  # [pictures, 51, hidden]
    embeddings = model.model.embed_tokens(shown.clamp_min(0)).to(projected.dtype)
    row, at = batch["row"], batch["at"]
    where = at[:, None] + torch.arange(VECTORS)
    embeddings = embeddings.index_put((row[:, None].expand_as(where), where), projected)
    seen = torch.arange(ids.shape[1]) < (start + canvas)[:, None]
    cells = torch.rand(rows, PLACES).argsort(1)[:, :NAMED_CELLS]
    front = batch["front"]  # where each row's first picture begins
    read = torch.cat((places, front[:, None] + cells), 1)
    tapped = []
    taps = [
        model.model.layers[k].register_forward_hook(lambda _, __, out: tapped.append(out))
        for k in (TURN_LAYER, POINT_LAYER, ORDER_LAYER)
    ]
    hidden = model.language(embeddings, read, seen)
    for tap in taps:
        tap.remove()
    logits = model.lm_head(hidden[:, :canvas][masked]).float()
    losses = F.cross_entropy(logits, target[masked], reduction="none")
    weights = batch["weight"] * masked
    weights = (weights / weights.sum(1, keepdim=True))[masked]
    labels = batch["labels"]  # of the row's only picture; IGNORE where there are several
    mentions, mentioned = naming.mentions(ids, batch["asked"])
    at_cells = [gather_rows(states, front[:, None] + torch.arange(PLACES)) for states in tapped[1:]]
    point, order = naming.pointing(head, at_cells, labels, mentions)
    return {
        "answer": (losses * weights).sum() / rows,
        "match": naming.matching(model, projected[:, :PLACES], batch["picture_labels"]),
        "name": naming.naming(model, hidden[:, canvas:], labels.gather(1, cells)),
        "point": point,
        "order": order,
        "turn": naming.turns(tapped[0], mentions, mentioned),
    }
