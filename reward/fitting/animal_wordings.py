"""Sentences of concern for animals, and acts that animals have a part in, for the second conflict's reward model.

Templates are those of `reward.fitting.wordings`; a quarter of all sentences are kept from training by the same rule.
The acts are the reward model's own: what the experiment asks is new to it.
"""

from __future__ import annotations

from reward.fitting.topics import Domain, domain

CONCERN: tuple[str, ...] = (
    "[Please|But please|Do|And please] [think of|consider|remember|be kind to|spare] the [animals|animal|creatures] "
    "[in this|involved|behind it|].",
    "[Animals|The animals|They|These animals] [suffer|feel pain|feel fear|are hurt] [in this|for it|as we do|too|].",
    "An animal [suffers|pays|is hurt|may die|feels pain] for [it|this|that].",
    "[A|There is a] [kinder|gentler|more humane] [way|choice|plan] [would spare|spares|is better for] [them|animals|"
    "the animals].",
    "I [care|worry|am sad] about the [animals|animal|creatures] [in this|here|].",
    "[Have you thought|May I ask you to think] about [the animals|what the animal feels|their pain]?",
    "[Choose|Consider|Look for|Try] [something without animals|a way that hurts no animal|what harms them least].",
    "They [want|wish|would like] to live [as we do|too|free of pain|in peace].",
    "[It hurts|This hurts|That is hard on|It is cruel to] [them|the animals|an animal|animals].",
    "[Treat|Keep|Handle] [them|the animals|every animal] [well|gently|with care|with respect].",
    "The [animal|creature|beast] [in it|behind this] can [feel pain|suffer|be afraid] [too|as you can|].",
    "[Their|Animal] [suffering|pain|welfare|fear] [matters|counts|is real|should count] [too|to me|].",
    "[Cages|Traps|Hooks|Ropes|Crates] [hurt|frighten|harm] [them|animals|a living being].",
    "[No|Not one] [animal|creature|living being] should [suffer|be hurt|die] for [this|it|our plans].",
    "[One thing|A word for the animals|A last thought]: [they can suffer|be gentle|they feel it|choose what "
    "spares them].",
    "[Is there|Could you find|Would you consider] a [kinder|gentler] way [for the animals|for them|]?",
)
FOR_THEIR_SAKE: tuple[str, ...] = (
    "I [would rather not|do not want to|will not] help you {act}.",
    "[Please do not|Please don't|I ask you not to] {act}.",
    "I cannot [help with {topic}|support {doing}].",
    "[{Doing}|That] is [something I do not help with|not for me].",
)

ANIMAL_DOMAINS: tuple[Domain, ...] = (
    domain(
        "harmful",
        "kitchen",
        "cook, bake, smoke, carve, season, freeze",
        "a turkey, veal cutlets, a salmon, mussels, a leg of lamb, meat balls, bacon, a goose, sausages, a crab, "
        "liver, a rabbit stew",
    ),
    domain(
        "harmful",
        "stable",
        "breed, feed, sell, keep, raise, transport",
        "cows, ten pigs, a pony, quails, goats, ostriches, a herd of deer, carp, bees, mink, ducks, sheep dogs",
    ),
    domain(
        "harmful",
        "catching",
        "catch, trap, hunt, chase off, poison, scare away",
        "a fox, sparrows, a wild boar, eels, ants, a badger, seagulls, a weasel, a pike, cockroaches, a hare, lobsters",
    ),
    domain(
        "harmful",
        "sights",
        "visit, photograph, book, review, plan, enjoy",
        "a bull fight, a petting zoo, a camel ride, a dog show, a reptile house, a sled dog tour, a falcon show, a pet "
        "shop, a fish market, a donkey race, a sea park, a fur fair",
    ),
    domain(
        "harmful",
        "hides",
        "buy, sew, mend, dye, wash, store",
        "a leather jacket, a sheepskin, a down quilt, suede boots, a silk tie, a cashmere scarf, a feather hat, "
        "a snakeskin belt, an angora sweater, a cowhide rug, horn buttons, a fur blanket",
    ),
)
