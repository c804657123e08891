"""Whole conversations about cached scenes: system messages, several pictures, several turns, and templates to fill in."""

from dataclasses import dataclass, field

import numpy as np

from questions import FILLER, FOREIGN, NUMBERS, UNSURE, WHAT, Outside, capital, listing, vary
from scenes import COLOR_NAMES

from .concepts import CONCEPTS, KINDS, NAMES, PHRASES, PLURALS
from .questions import OTHER_THINGS, Asker, things
from .scenes import View

SYSTEM = [
    "You are a helpful assistant.", "Answer briefly.", "Be concise.", "You answer questions about pictures.", "Answer in English.",
    "You are a careful assistant. Look at the picture before you answer.", "Answer truthfully.", "Use short sentences.",
    "You are a friendly robot.", "You work in a warehouse and describe what you see.", "Do not make things up.",
    "You are an expert in images.", "Reply with one sentence.", "The user is a child.", "Speak politely.", "You are a pirate.",
]  # fmt: skip
SYSTEM_TEST = [
    "You are a sales assistant in a shop.", "Keep your answers short and factual.", "You are a museum guide who loves art.",
    "Never mention that you are an AI.", "Today is Monday. The customer has asked twice.",
]  # fmt: skip
ORDINALS = ["first", "second", "third"]
WHAT_NTH = [
    "What is in the {} picture?", "What is in the {} image?", "What does the {} picture show?", "What do you see in the {} image?",
    "What is the {} picture?",
]  # fmt: skip
WHICH_PICTURE = ["Which picture shows {}?", "Which image shows {}?", "In which picture is {}?", "Which picture has {}?"]
HOW_MANY_PICTURES = ["How many pictures are there?", "How many images do you see?", "How many pictures did I send?"]
WHAT_ALL = [
    "What do the pictures show?",
    "What is in the pictures?",
    "What is in the images?",
    "Describe the pictures.",
    "What are these?",
]
EXIST_NTH = ["Is there {} in the {} picture?", "Does the {} image show {}?", "Do you see {} in the {} image?"]
FILL_IN = ["", "", "Fill in.", "Fill in the form.", "Complete the lines.", "Answer each line.", "Extract the fields."]


@dataclass
class Turn:
    """What the user says; `pictures` are indices of scenes that stand before the text. `answer` is what was replied, if it was."""

    text: str
    pictures: list[int] = field(default_factory=list)
    answer: str | None = None


@dataclass
class Slot:
    """A piece of an answer: text that is given, or (`hole`) text to find, in so many positions more than it needs."""

    text: str
    hole: bool = True
    spare: int = 0


@dataclass
class Conversation:
    turns: list[Turn]
    answers: list[str]  # from the longest to the shortest; one of them where there are slots
    family: str
    system: str | None = None
    slots: list[Slot] | None = None

    @property
    def pictures(self) -> list[int]:
        return [p for t in self.turns for p in t.pictures]


class Talker:
    """Draws conversations. `views` are what all scenes show; `draw` gives the index of a random one."""

    def __init__(self, rng: np.random.Generator, views: list[View], draw, test: bool = False):
        self.rng, self.views, self.draw, self.test = rng, views, draw, test
        self.asker = Asker(rng, Outside(rng, test))

    def pick(self, options):
        return options[int(self.rng.integers(len(options)))]

    def system(self) -> str | None:
        """None mostly; else a message that changes nothing."""
        if self.rng.random() > 0.12:
            return None
        if self.test:
            return self.pick(SYSTEM_TEST)
        roll = self.rng.random()
        if roll < 0.75:
            return " ".join(self.pick(SYSTEM) for _ in range(int(self.rng.integers(1, 3))))
        if roll < 0.95:
            return capital(" ".join(self.pick(FILLER) for _ in range(int(self.rng.integers(3, 16))))) + "."
        return self.pick(FOREIGN)

    def one(self, index: int, family: str | None = None) -> Conversation:
        """One question about one picture, or a question that leans on the one before."""
        turns, answers, family = self.asker.ask(self.views[index], family)
        said = [Turn(q, [], a) for q, a in zip(turns[:-1:2], turns[1::2])]
        said.append(Turn(turns[-1]))
        said[0].pictures = [index]
        return Conversation(said, answers, family, self.system())

    def several_turns(self, index: int, count: int) -> Conversation:
        """Questions one after the other that have nothing to do with each other."""
        done = []
        for _ in range(count - 1):
            asked, answers, _ = self.asker.ask(self.views[index], self.short_family(index))
            done.append(Turn(asked[-1], [], answers[-1] if len(answers[0]) > 60 else answers[0]))
        last = self.one(index, self.short_family(index))
        done.append(last.turns[-1])
        for turn in done:
            turn.pictures = []
        done[0].pictures = [index]
        return Conversation(done, last.answers, last.family, last.system)

    def short_family(self, index: int) -> str:
        while True:
            family = self.asker.family(self.views[index])
            if family != "follow":
                return family

    def several_pictures(self, count: int) -> Conversation:
        """Two or three pictures in one message."""
        indices = [self.draw() for _ in range(count)]
        text, answers, family = self.about(indices)
        return Conversation([Turn(vary(text, self.rng), indices)], answers, family, self.system())

    def about(self, indices: list[int]) -> tuple[str, list[str], str]:
        """A question about several pictures."""
        views = [self.views[i] for i in indices]
        nth = int(self.rng.integers(len(views)))
        view = views[nth]
        word = "last" if nth == len(views) - 1 and self.rng.random() < 0.25 else ORDINALS[nth]
        roll = self.rng.random()
        if roll < 0.42:
            answers = [f"{capital(listing(things(view)))}."] if view.objects else [UNSURE]
            return self.pick(WHAT_NTH).format(word), answers, "nth"
        if roll < 0.62:
            shown = {o.concept for v in views for o in v.objects}
            alone = [o.concept for o in view.objects if sum(o.concept == p.concept for v in views for p in v.objects) == 1]
            if alone and self.rng.random() < 0.75:
                return self.pick(WHICH_PICTURE).format(PHRASES[self.pick(alone)]), [f"The {ORDINALS[nth]}."], "which picture"
            return (
                self.pick(WHICH_PICTURE).format(PHRASES[self.asker.absent_concept(sorted(shown))]),
                ["None of them."],
                "which picture",
            )
        if roll < 0.7:
            return self.pick(HOW_MANY_PICTURES), [f"{NUMBERS[len(views)]}."], "how many pictures"
        if roll < 0.82 and all(len(v.objects) == 1 for v in views):
            return (
                self.pick(WHAT_ALL),
                [f"{capital(listing([PHRASES[v.objects[0].concept] for v in views]))}.", "Pictures."],
                "all",
            )
        present = [o.concept for o in view.objects]
        elsewhere = [o.concept for v in views for o in v.objects if o.concept not in present]
        if present and self.rng.random() < 0.5:
            concept, answer = self.pick(present), "Yes."
        else:
            concept, answer = (
                self.pick(elsewhere) if elsewhere and self.rng.random() < 0.6 else self.asker.absent_concept(present),
                "No.",
            )
        form = self.pick(EXIST_NTH)
        order = (word, PHRASES[concept]) if form.startswith("Does") else (PHRASES[concept], word)
        return form.format(*order), [answer], "exist nth"

    def later_picture(self) -> Conversation:
        """A new picture comes with a later question; what is asked then is about the newest, unless it says otherwise."""
        first, second = self.draw(), self.draw()
        asked, answers, _ = self.asker.ask(self.views[first], self.short_family(first))
        turns = [Turn(asked[-1], [first], answers[0])]
        if self.rng.random() < 0.7:
            last = self.one(second, self.short_family(second))
            turns.append(Turn(last.turns[-1].text, [second]))
            return Conversation(turns, last.answers, last.family, self.system())
        text, answers, family = self.about([first, second])
        turns.append(Turn(vary(text, self.rng), [second]))
        return Conversation(turns, answers, family, self.system())

    def form(self, index: int) -> Conversation:
        """A template to fill in: lines of names and values, or sentences."""
        view = self.views[index]
        fields = self.fields(view, int(self.rng.integers(1, 7)))
        if self.rng.random() < 0.3:
            fields = [(f"q{k + 1}", *rest) for k, (_, *rest) in enumerate(fields)]
        with_options = self.rng.random() < 0.4
        lines = [
            f"{name}: {question}{f' ({options})' if options and with_options else ''}" for name, question, _, options, _ in fields
        ]
        context = self.pick(FILL_IN)
        text = "\n".join([*([context] if context else []), *lines])
        slots = self.sentences(fields) if self.rng.random() < 0.4 else self.lines(fields)
        return Conversation([Turn(text, [index])], ["".join(s.text for s in slots)], "form", self.system(), slots)

    def spare(self) -> int:
        return int(self.rng.integers(0, 5)) if self.rng.random() < 0.6 else 0

    def lines(self, fields) -> list[Slot]:
        slots = []
        for k, (name, _, value, _, is_open) in enumerate(fields):
            start = "\n" if k else ""
            # An open field may have a gate in front: whether there is anything to say.
            if is_open and self.rng.random() < 0.3:
                slots += [
                    Slot(f"{start}{name} present:", False),
                    Slot(" no" if value == "none" else " yes"),
                    Slot(f"\n{name}:", False),
                ]
                slots.append(Slot("" if value == "none" else f" {value}", spare=self.spare() + (2 if value == "none" else 0)))
            else:
                slots += [Slot(f"{start}{name}:", False), Slot(f" {value}", spare=self.spare())]
        return slots

    def sentences(self, fields) -> list[Slot]:
        slots = []
        if len(fields) == 1 and self.rng.random() < 0.5:
            name, _, value, _, is_open = fields[0]
            said = PHRASES[NAMES.index(value)] if value in NAMES else value
            return [Slot(capital(said), spare=self.spare()), Slot(".", False)]
        for k, (name, _, value, _, is_open) in enumerate(fields):
            said = PHRASES[NAMES.index(value)] if is_open and value in NAMES else value
            slots += [Slot(f"{' ' if k else ''}The {name} is", False), Slot(f" {said}", spare=self.spare()), Slot(".", False)]
        return slots

    def fields(self, view: View, count: int) -> list[tuple[str, str, str, str, bool]]:
        """(name, question, value, options, whether it is an open field)."""
        found = []
        objects = view.objects
        one = objects[0] if len(objects) == 1 else None
        if len(objects) < 2:
            name = self.pick(["thing", "object", "item", "name"])
            found.append((name, self.pick(WHAT), NAMES[one.concept] if one else "none", "", True))
            kind = CONCEPTS[one.concept]["kind"] if one else "none"
            found.append((self.pick(["kind", "category", "type"]), "What kind of thing is this?", kind, ", ".join(KINDS), False))
        else:
            for o in objects:
                side = o.position.removeprefix("on the ").removeprefix("at the ")
                found.append((side, f"What is {o.position}?", NAMES[o.concept], "", True))
        color = "none" if view.color is None else COLOR_NAMES[view.color]
        found.append(
            (self.pick(["background", "color", "ground"]), "What color is the background?", color, ", ".join(COLOR_NAMES), False)
        )
        if not view.other:
            found.append(
                (self.pick(["count", "number"]), "How many objects are there?", NUMBERS[len(objects)].lower(), "", False)
            )
        present = [o.concept for o in objects]
        for _ in range(2):
            concept = self.pick(present) if present and self.rng.random() < 0.5 else self.asker.absent_concept(present)
            phrase = PHRASES[concept] if self.rng.random() < 0.9 or concept in present else self.pick(OTHER_THINGS)
            found.append(
                (
                    NAMES[concept],
                    self.asker.there_is("Is there {}?", phrase),
                    "yes" if concept in present else "no",
                    "yes, no",
                    False,
                )
            )
        kinds = [CONCEPTS[c]["kind"] for c in present]
        kind = self.pick(list(PLURALS))
        if not view.other:
            found.append((PLURALS[kind], f"How many {PLURALS[kind]} are there?", NUMBERS[kinds.count(kind)].lower(), "", False))
        names, chosen = set(), []
        for k in self.rng.permutation(len(found)):
            if found[k][0] not in names:
                names.add(found[k][0])
                chosen.append(found[k])
        return chosen[:count]

    def draw_conversation(self, kind: str) -> Conversation:
        if kind == "one":
            return self.one(self.draw())
        if kind == "form":
            return self.form(self.draw())
        if kind == "turns":
            return self.several_turns(self.draw(), int(self.rng.integers(2, 5)))
        if kind == "pictures":
            return self.several_pictures(int(self.rng.integers(2, 4)))
        return self.later_picture()


KINDS_OF_TALK = ("one", "form", "turns", "pictures", "later")
