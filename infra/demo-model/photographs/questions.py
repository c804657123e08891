"""Questions about one picture: what ../questions.py asks, over this vocabulary, with shorter answers for short canvases."""

import numpy as np

from questions import (
    AND_AT,
    AND_COLOR,
    BIGGER,
    BIGGER_BY,
    COLOR,
    COUNT,
    COUNT_KIND,
    DESCRIBE,
    EXIST,
    IS_KIND,
    KIND,
    NUMBERS,
    RELATION,
    UNSURE,
    WHAT,
    WHAT_AT,
    WHERE,
    WHERE_IT,
    Outside,
    capital,
    listing,
    side_of,
    vary,
)
from scenes import COLOR_NAMES

from .concepts import CONCEPTS, KINDS, NAMES, PHRASES, PLURAL_PHRASES, PLURALS
from .scenes import View

# Things that the model cannot name: asked for, they are not there.
OTHER_THINGS = [
    "a table", "a person", "a man", "a woman", "a child", "a sword", "a unicorn", "a dragon", "a spoon", "a computer", "a mountain",
    "a river", "a snowman", "a robot", "a window", "a door", "a bottle", "a wolf", "a house", "a pear", "a giraffe", "a tree", "a heart",
    "a star", "a key", "scissors", "a cake", "a carrot", "a donut", "a helicopter",
]  # fmt: skip
WHICH = {
    "left": ["Which is on the left, {a} or {b}?", "Which one is on the left, {a} or {b}?", "Which is further left, {a} or {b}?"],
    "right": [
        "Which is on the right, {a} or {b}?",
        "Which one is on the right, {a} or {b}?",
        "Which is further right, {a} or {b}?",
    ],
    "above": ["Which is on top, {a} or {b}?", "Which one is higher, {a} or {b}?", "Which is above, {a} or {b}?"],
    "below": ["Which is at the bottom, {a} or {b}?", "Which one is lower, {a} or {b}?", "Which is below, {a} or {b}?"],
}
AXES = (("left", "right"), ("top", "bottom"))
# The first that fits counts.
AGREEMENT = [
    (" is it?", " are they?"), ("Is there ", "Are there "), ("Is this ", "Are these "), ("Is it ", "Are they "),
    ("Is that ", "Are those "), ("Is the ", "Are the "), ("Where is ", "Where are "), ("Where's ", "Where are "),
    ("position is ", "position are "),
]  # fmt: skip


def definite(concept: int) -> str:
    return f"the {NAMES[concept]}"


def agree(question: str, phrase: str) -> str:
    """Plural verbs and pronouns for a plural noun phrase."""
    if phrase.removeprefix("the ") in PLURAL_PHRASES:
        for old, new in AGREEMENT:
            if old in question:
                return question.replace(old, new, 1)
    return question


def things(view: View) -> list[str]:
    return [PHRASES[o.concept] for o in view.objects]


def number_of_things(count: int) -> str:
    return f"{NUMBERS[count]} thing{'s' if count > 1 else ''}."


class Asker:
    """Draws questions about a picture; an answer is a list of texts, the shorter ones for canvases that the first does not fit."""

    # By number of objects; 4 stands for three or four. Two-hop families (find a thing, then answer) have the largest shares.
    WEIGHTS = {
        1: {
            "what": 2.2, "describe": 1.6, "bg": 0.9, "kind": 0.6, "iskind": 1.0, "exist": 1.8, "count": 0.4, "countkind": 0.9,
            "absent": 0.5, "outside": 0.8, "follow": 0.5,
        },
        2: {
            "what": 2.6, "describe": 3.0, "bg": 0.5, "exist": 1.2, "count": 0.4, "what_at": 1.8, "where": 1.8, "relation": 2.0,
            "which": 2.0, "bigger": 2.4, "countkind": 1.4, "absent": 0.6, "outside": 0.4, "follow": 0.8,
        },
        4: {
            "what": 3.0, "describe": 1.4, "bg": 0.4, "exist": 1.2, "count": 0.6, "what_at": 2.6, "where": 2.0, "relation": 1.6,
            "which": 1.2, "bigger": 0.8, "countkind": 2.2, "absent": 0.6, "outside": 0.4, "follow": 0.6,
        },
        0: {"what": 4.0, "describe": 1.0, "bg": 1.5, "kind": 1.0, "exist": 1.0, "count": 1.0, "absent": 1.0, "outside": 1.0},
        "other": {"what": 4.0, "describe": 1.0, "bg": 0.6, "kind": 1.0, "exist": 1.0, "absent": 1.0},
    }  # fmt: skip

    def __init__(self, rng: np.random.Generator, outside: Outside):
        self.rng, self.outside = rng, outside

    def pick(self, options):
        return options[int(self.rng.integers(len(options)))]

    def family(self, view: View) -> str:
        count = len(view.objects)
        table = self.WEIGHTS["other" if view.other else 4 if count > 2 else count]
        names = [f for f in table if self.possible(view, f)]
        weights = np.array([table[f] for f in names])
        return names[int(self.rng.choice(len(names), p=weights / weights.sum()))]

    def possible(self, view: View, family: str) -> bool:
        if family == "bigger":
            return bool(self.unequal(view))
        return family != "follow" or bool(view.objects)

    def ask(self, view: View, family: str | None = None) -> tuple[list[str], list[str], str]:
        """([question] or [question, answer, question], answers from the longest to the shortest, family)."""
        family = family or self.family(view)
        if family == "outside":
            return [self.outside.ask()], [UNSURE], family
        question, answer = getattr(self, f"_{family}")(view)
        turns = question if isinstance(question, list) else [question]
        turns = [vary(t, self.rng) if k % 2 == 0 else t for k, t in enumerate(turns)]
        return turns, answer if isinstance(answer, list) else [answer], family

    def _what(self, view):
        if not view.objects:
            return self.pick(WHAT), UNSURE
        return self.pick(WHAT), [f"{capital(listing(things(view)))}.", number_of_things(len(view.objects))]

    def _describe(self, view):
        if not view.objects:
            return self.pick(DESCRIBE), UNSURE
        names = things(view)
        if len(names) == 2:
            long = listing([f"{n} {o.position}" for n, o in zip(names, view.objects)])
        else:
            long = listing(names)
        texts = [f"{capital(listing(names))}.", number_of_things(len(names))]
        if view.color is None:
            return self.pick(DESCRIBE), [f"{capital(long)}.", *texts]
        color = COLOR_NAMES[view.color]
        comma = "," if len(names) > 1 else ""
        return self.pick(DESCRIBE), [
            f"{capital(long)}{comma} on {'an' if color == 'orange' else 'a'} {color} background.",
            *texts,
        ]

    def _bg(self, view):
        return self.pick(COLOR), UNSURE if view.color is None else f"{capital(COLOR_NAMES[view.color])}."

    def _kind(self, view):
        if not view.objects:
            return self.pick(KIND), UNSURE
        return self.pick(KIND), f"{capital(KINDS[CONCEPTS[view.objects[0].concept]['kind']])}."

    def _iskind(self, view):
        kind = CONCEPTS[view.objects[0].concept]["kind"]
        # "Is this an object?" is not asked: what is an object can only get "No.", so the others get more "Yes."
        if kind != "object" and self.rng.random() < 0.65:
            return self.pick(IS_KIND).format(KINDS[kind]), "Yes."
        # Whether fruit is food is a matter of opinion.
        wrong = [k for k in KINDS if k not in (kind, "object") and {k, kind} != {"fruit", "food"}]
        return self.pick(IS_KIND).format(KINDS[self.pick(wrong)]), "No."

    def _exist(self, view):
        present = [o.concept for o in view.objects]
        forms = IS_KIND if len(present) == 1 and self.rng.random() < 0.35 else EXIST
        if present and self.rng.random() < 0.5:
            return self.there_is(self.pick(forms), PHRASES[self.pick(present)]), "Yes."
        if self.rng.random() < 0.15 and not view.other:
            return self.pick(forms).format(self.pick(OTHER_THINGS)), "No."
        return self.there_is(self.pick(forms), PHRASES[self.absent_concept(present)]), "No."

    @staticmethod
    def there_is(form: str, phrase: str) -> str:
        return agree(form.format(phrase), phrase)

    def absent_concept(self, present: list[int]) -> int:
        """Half of the absent concepts are of a present kind."""
        kinds = {CONCEPTS[c]["kind"] for c in present}
        same = [i for i in range(len(CONCEPTS)) if i not in present and CONCEPTS[i]["kind"] in kinds]
        if same and self.rng.random() < 0.5:
            return self.pick(same)
        return self.pick([i for i in range(len(CONCEPTS)) if i not in present])

    def _count(self, view):
        return self.pick(COUNT), f"{NUMBERS[len(view.objects)]}."

    def _what_at(self, view):
        chosen = self.pick(view.objects)
        return self.pick(WHAT_AT).format(chosen.position), f"{capital(PHRASES[chosen.concept])}."

    def where_is(self, concept: int) -> str:
        return agree(self.pick(WHERE).format(definite(concept)), NAMES[concept])

    def _where(self, view):
        chosen = self.pick(view.objects)
        return self.where_is(chosen.concept), f"{capital(chosen.position)}."

    def _absent(self, view):
        """Where is something that is not there?"""
        return self.where_is(self.absent_concept([o.concept for o in view.objects])), UNSURE

    def apart(self, view: View):
        """Two things and an axis along which they have different places."""
        pairs = [
            (a, b, axis)
            for a in view.objects
            for b in view.objects
            for axis in AXES
            if side_of(a.position, axis) != side_of(b.position, axis)
        ]
        return self.pick(pairs)

    def _relation(self, view):
        a, b, axis = self.apart(view)
        first = side_of(a.position, axis) == axis[0]
        words = ("left", "right") if axis[0] == "left" else ("above", "below")
        asked = int(self.rng.integers(2))
        question = self.pick(RELATION[words[asked]]).format(a=definite(a.concept), b=definite(b.concept))
        return agree(question, NAMES[a.concept]), "Yes." if first == (asked == 0) else "No."

    def _which(self, view):
        a, b, axis = self.apart(view)
        words = ("left", "right") if axis[0] == "left" else ("above", "below")
        asked = int(self.rng.integers(2))
        right = a if (side_of(a.position, axis) == axis[0]) == (asked == 0) else b
        question = self.pick(WHICH[words[asked]]).format(a=definite(a.concept), b=definite(b.concept))
        return question, f"{capital(definite(right.concept))}."

    @staticmethod
    def unequal(view):
        return [(a, b) for a in view.objects for b in view.objects if a.side >= BIGGER_BY * b.side > 0]

    def _bigger(self, view):
        pair = self.pick(self.unequal(view))
        a, b = (definite(pair[k].concept) for k in self.rng.permutation(2))
        return self.pick(BIGGER).format(a=a, b=b), f"{capital(definite(pair[0].concept))}."

    def _countkind(self, view):
        present = [CONCEPTS[o.concept]["kind"] for o in view.objects]
        here = [k for k in PLURALS if k in present]
        kind = self.pick(here if here and self.rng.random() < 0.7 else list(PLURALS))
        return self.pick(COUNT_KIND).format(PLURALS[kind]), f"{NUMBERS[present.count(kind)]}."

    def _follow(self, view):
        """[question, answer, question] and the answer to the last one, which leans on what was said before."""
        form = int(self.rng.integers(3))
        if form == 0 and len(view.objects) > 1:
            a, b = (view.objects[k] for k in self.rng.permutation(len(view.objects))[:2])
            first = self.pick(WHAT_AT).format(a.position), f"{capital(PHRASES[a.concept])}."
            second = self.pick(AND_AT).format(b.position), f"{capital(PHRASES[b.concept])}."
        elif form == 1 and len(view.objects) > 1:
            a = self.pick(view.objects)
            first = self.there_is(self.pick(EXIST), PHRASES[a.concept]), "Yes."
            second = agree(self.pick(WHERE_IT), NAMES[a.concept]), f"{capital(a.position)}."
        elif form == 2 or view.color is None:
            first = self._count(view)
            second = self._what_at(view) if len(view.objects) > 1 else self._what(view)
        else:
            question, answer = self._what(view)
            first = question, answer[0]
            second = self.pick(AND_COLOR), f"{capital(COLOR_NAMES[view.color])}."
        return [*first, second[0]], second[1]
