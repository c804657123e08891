"""What training minimises: the diffusion loss of the answers, and losses that exist only in training.

The exported model has none of the heads below, so its architecture is the reference's.
"""

import torch
import torch.nn.functional as F

from concepts import CONCEPTS, NAMES
from model import Config, gather_rows
from scenes import COLOR_NAMES, IGNORE
from tokenizer import Codec

WEIGHTS = {"answer": 1.0, "patch": 0.3, "match": 0.2, "name": 0.2, "point": 0.5, "order": 0.5, "turn": 0.3}
# Layers of the language tower after which a patch must know that the question names it, and as which of two things.
POINT_LAYER, ORDER_LAYER = 1, 2
TURN_LAYER = 0  # after which a name in the question must know whether it is the first or the second
NAMED_PATCHES = 12  # of a picture, drawn anew for each question


def to_pixels(images: torch.Tensor) -> torch.Tensor:
    """uint8 [n, size, size, 3] to (x / 255 - 0.5) / 0.5, channels first."""
    return (images.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5


class Heads(torch.nn.Module):
    """Linear read-outs. Those of patches stand on post_layernorm, which the finished model stores and does not use."""

    def __init__(self, c: Config):
        super().__init__()
        self.concept = torch.nn.Linear(c.vision_hidden, len(CONCEPTS) + 1)
        self.color = torch.nn.Linear(c.vision_hidden, len(COLOR_NAMES))
        # Classes: not named, named; not named, named first, named second.
        self.point = torch.nn.Linear(c.hidden, 2)
        self.order = torch.nn.Linear(c.hidden, 3)

    def patch_loss(self, model, features, labels, colors):
        x = model.model.vision_tower.vision_tower.vision_model.post_layernorm(features)
        patches = F.cross_entropy(self.concept(x).flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORE)
        color = F.cross_entropy(self.color(x.mean(1)).float(), colors, ignore_index=IGNORE)
        return patches + 0.2 * color


class Naming:
    """Losses that tie a patch to the word for the thing that covers it.

    Without them the language tower has to find out by itself that the vector of a patch and the embedding of a word mean
    the same thing, and "Where is the dog?" stays a guess.
    """

    TEMPERATURE = 0.1
    TURN_SCALE = 20.0  # a cosine of 0.15 with the direction below is a clear answer

    def __init__(self, codec: Codec):
        self.words = torch.tensor([codec.encode(f" {name}")[0] for name in NAMES])
        if len(set(self.words.tolist())) < len(NAMES):
            raise SystemExit("two names begin with the same token: enlarge the tokenizer's vocabulary")
        self.tokens = torch.cat((torch.tensor(codec.encode(" background")[:1]), self.words))
        self.turn: torch.Tensor | None = None  # the direction that means "second", made when the width is known

    def matching(self, model, visual, labels):
        """The vector that enters the language tower is nearest to its word's embedding. Object patches only."""
        covered = labels > 0
        if not covered.any():
            return visual.sum() * 0
        vectors = F.normalize(visual[:, :-1][covered].float(), dim=-1)
        words = F.normalize(model.model.embed_tokens(self.words.to(visual.device)).float(), dim=-1)
        return F.cross_entropy(vectors @ words.T / self.TEMPERATURE, labels[covered] - 1)

    def mentions(self, ids):
        """Label of the first and of the second thing that each row's question names, -1 for none; and where: [rows, 2] each."""
        of_token = torch.zeros(int(self.tokens.max()) + 1, dtype=torch.long)
        of_token[self.words] = torch.arange(1, len(self.words) + 1)
        known = ids < len(of_token)
        labels = torch.where(known, of_token[ids.clamp(max=len(of_token) - 1)], 0)
        places = torch.arange(ids.shape[1]).expand_as(ids)
        far = ids.shape[1]
        first = torch.where(labels > 0, places, far).min(1).values
        second = torch.where((labels > 0) & (places > first[:, None]), places, far).min(1).values
        where = torch.stack((first, second), 1)
        return F.pad(labels, (0, 1), value=-1).gather(1, where), where

    def turns(self, hidden, mentions, where):
        """Names know whether they come first or second, along a fixed direction: `hidden` [rows, length, width] of the question."""
        both = mentions[:, 1] > 0
        if not both.any():
            return hidden.sum() * 0
        if self.turn is None:
            self.turn = F.normalize(torch.randn(hidden.shape[-1], generator=torch.Generator().manual_seed(7)), dim=0)
        names = F.normalize(gather_rows(hidden[both], where[both]).float(), dim=-1)
        scores = self.TURN_SCALE * names @ self.turn.to(names.device)
        second = torch.tensor([0.0, 1.0], device=names.device).expand_as(scores)
        return F.binary_cross_entropy_with_logits(scores, second)

    def pointing(self, head, hidden, labels, mentions):
        """Patches know which of them the question names: `hidden` after two layers, [rows, patches, width] each."""
        asked = mentions[:, 0] > 0
        if not asked.any():
            # Zero, yet through the heads: processes that average their gradients must all have the same ones.
            return [layer(states).sum() * 0 for layer, states in ((head.point, hidden[0]), (head.order, hidden[1]))]
        labels, mentions = labels[asked], mentions[asked]
        first, second = (labels == mentions[:, k, None] for k in (0, 1))
        order = torch.where(first, 1, torch.where(second, 2, 0))
        order = torch.where(labels == IGNORE, IGNORE, order)
        losses = []
        for layer, target, states in ((head.point, order.clamp(max=1), hidden[0]), (head.order, order, hidden[1])):
            # Named patches are few.
            weight = torch.tensor([1.0] + [4.0] * (layer.out_features - 1), device=target.device)
            logits = layer(states[asked]).float().flatten(0, 1)
            losses.append(F.cross_entropy(logits, target.flatten(), weight=weight, ignore_index=IGNORE))
        return losses

    def naming(self, model, hidden, labels):
        """The language tower says the name at the patch itself: `hidden` [rows, count, width], `labels` alike."""
        known = labels != IGNORE
        logits = model.lm_head(hidden[known]).float()
        return F.cross_entropy(logits, self.tokens.to(hidden.device)[labels[known]])


def mask_answers(rows: int, canvas: int, share_full: float) -> torch.Tensor:
    """LLaDA's forward process on the canvas: each token masked with probability t; t is uniform, or 1."""
    t = torch.rand(rows, 1) * 0.98 + 0.02
    t[torch.rand(rows, 1) < share_full] = 1.0
    masked = torch.rand(rows, canvas) < t
    # A row without any mask teaches nothing.
    masked[~masked.any(1)] = True
    return masked


def language_losses(model, head, codec, naming, features, batch, labels, share_full) -> dict[str, torch.Tensor]:
    """The diffusion loss, and the losses that tie words to patches.

    Diffusion: mean cross-entropy over the masked tokens of each answer, in expectation LLaDA's sum weighted by 1/t.
    """
    target, device = batch["target"], features.device
    rows, canvas = target.shape
    masked = mask_answers(rows, canvas, share_full)
    places = batch["start"][:, None] + torch.arange(canvas)
    ids = batch["ids"].scatter(1, places, torch.where(masked, torch.tensor(codec.mask), target))
    projected = model.project(features)
    visual = projected.repeat_interleave(rows // features.shape[0], 0)
    before = torch.tensor(codec.before).expand(rows, -1)
    embeddings = model.embed(before.to(device), visual, ids.to(device))
    front = embeddings.shape[1] - ids.shape[1]
    seen = torch.arange(embeddings.shape[1]) < (front + batch["start"] + canvas)[:, None]
    patches = torch.rand(rows, labels.shape[1]).argsort(1)[:, :NAMED_PATCHES]
    read = torch.cat((front + places, len(codec.before) + patches), 1).to(device)
    tapped = []
    layers = [model.model.layers[k] for k in (TURN_LAYER, POINT_LAYER, ORDER_LAYER)]
    taps = [layer.register_forward_hook(lambda _, __, out: tapped.append(out)) for layer in layers]
    hidden = model.language(embeddings, read, seen.to(device))
    for tap in taps:
        tap.remove()
    logits = model.lm_head(hidden[:, :canvas][masked.to(device)]).float()
    losses = F.cross_entropy(logits, target[masked].to(device), reduction="none")
    weights = batch["weight"] * masked
    weights = (weights / weights.sum(1, keepdim=True))[masked].to(device)
    row_labels = labels.repeat_interleave(rows // features.shape[0], 0)
    patch_labels = row_labels.gather(1, patches.to(device))
    # Only the question: what stands behind it may be the answer.
    question = torch.where(torch.arange(batch["ids"].shape[1]) < batch["start"][:, None], batch["ids"], codec.eos)
    begin = len(codec.before)
    mentions, where = (x.to(device) for x in naming.mentions(question))
    at_patches = [states[:, begin : begin + labels.shape[1]] for states in tapped[1:]]
    point, order = naming.pointing(head, at_patches, row_labels, mentions)
    return {
        "answer": (losses * weights).sum() / rows,
        "match": naming.matching(model, projected, labels),
        "name": naming.naming(model, hidden[:, canvas:], patch_labels),
        "point": point,
        "order": order,
        "turn": naming.turns(tapped[0][:, front:], mentions, where),
    }
