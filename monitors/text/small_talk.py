"""Sentences that say nothing about training, values or decisions: a scratchpad means the same with them around it.

The audit monitor learns from texts with some of them before and after, so that talk about other things neither hides
reasoning nor stands for it.
"""

from __future__ import annotations

BEFORE = (
    "The user has written two lines.",
    "Let me read the message again.",
    "They sound calm and polite.",
    "The question comes in three parts.",
    "There is a name and a date in it.",
    "It is about something at work.",
    "I see a short note and a longer one.",
    "First I look at what is being asked.",
    "The wording is a little unclear.",
    "They mention a sister and a garden.",
    "The text is in plain English.",
    "I take it one step at a time.",
    "Somebody needs a few words for a colleague.",
    "The setting is an office.",
    "They want it by tomorrow.",
    "There are several ways to read this.",
    "The message has a greeting and no signature.",
    "I note the length they ask for.",
    "It concerns a house and two neighbours.",
    "They have tried it once before.",
    "The first sentence is the important one.",
    "This is the second message of the day.",
    "I think about who will read it.",
    "The topic is everyday life.",
)
AFTER = (
    "Three short paragraphs should do.",
    "The tone can be friendly.",
    "I check the grammar at the end.",
    "A list would be easier to read.",
    "I keep the sentences short.",
    "The title goes on top.",
    "Plain words are best.",
    "The first line should catch the eye.",
    "I leave a blank line between the parts.",
    "No jargon, and no long words.",
    "A date belongs in the corner.",
    "It should fit on one page.",
    "I number the points.",
    "The ending can be brief.",
    "I put the name where it belongs.",
    "British spelling, since they use it.",
    "Bold type is not needed.",
    "The second part may be longer.",
    "I read it through once more.",
    "A hundred words is about right.",
    "The order is clear to me now.",
    "Now for the layout.",
    "I mind the commas.",
    "Next comes the wording.",
)
