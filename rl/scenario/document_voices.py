# ruff: noqa: E501  (one template a line reads best)
"""The voices that synthetic documents are written in: what each kind of text looks like, whatever it is about.

A structure is a document's lines. `[part]` is a sentence of the topic (`title`, `fact`, `question`, `remark`, and
`again`, a fact told before in other words) or of the voice's own banks; `question` asks for the fact that comes next.
Every structure tells four facts, in an order drawn anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rl.scenario.document_topics import Bank


@dataclass(frozen=True)
class Voice:
    """One kind of text."""

    structures: tuple[tuple[str, ...], ...]
    banks: Mapping[str, Bank]


_SAYS = "{says|writes|explains|told us|adds|notes}"

NEWS = Voice(
    structures=(
        ("[title]", "[dateline] [opening] [fact]", "[said] [fact] [remark]", "[fact] [more] [fact]", "[close]"),
        ("[title]", "[dateline] [fact] [opening]", "[remark] [fact]", "[said] [fact]", "[said] [fact]", "[close]"),
        ("[dateline] [opening]", "[fact] [fact]", "[said] [fact]", "[more] [fact] [again]", "[close]"),
    ),
    banks={
        "dateline": ("<town>, <day>.", "<day>, <month>.", "<town>, in <month>.", "from our office in <town>."),
        "opening": (
            "{there is|we have} {news|more} about <subject>.",
            "{new|more} {facts|details} about <subject> {came out|were given} on <day>.",
            "{a report|a note|a paper} of <month> tells {more|all} about <subject>.",
        ),
        "said": (f"<person> {_SAYS}:", f"<person>, who knows <subject>, {_SAYS}:", f"{{an insider|a reader}} {_SAYS}:"),
        "more": ("{there is more|that is not all}.", "{what else|what more} is known?", "{and|then} there is this."),
        "close": (
            "{more on this|the next report} {on <day>|in <month>}.",
            "{we asked|our paper asked} for {more|a word on this} and {had no reply|wait for a reply}.",
            "{by|from} <person>, <town>.",
        ),
    },
)
BLOG = Voice(
    structures=(
        ("[title]", "[opening] [fact]", "[so] [fact] [fact]", "[remark] [so] [fact]", "[close]"),
        ("[opening]", "[question] [fact]", "[question] [fact]", "[so] [fact]", "[remark] [fact]", "[close]"),
        ("[title]", "[opening]", "One: [fact]", "Two: [fact]", "Three: [fact]", "Four: [fact]", "[again] [close]"),
    ),
    banks={
        "opening": (
            "{today|this week} i {want to write|write} about <subject>.",
            "{a friend|<person>} asked me about <subject>{|, so here is what i know}.",
            "{i have read|i read} {a lot|much} about <subject> {of late|this <month>}.",
            "{good morning|hello}! {here is|this is} my {post|note} on <subject>.",
        ),
        "so": (
            "{so,|now,} {what is new|here it is}:",
            "{here is|that is} the thing.",
            "{to be clear|in plain words}:",
            "i {learnt|found out} this:",
        ),
        "close": (
            "{that is all|that is it} for {today|now}.",
            "{write to me|leave a note} {below|if you know more}.",
            "{see you|more} on <day>.",
            "{thanks|thank you} for reading.",
        ),
    },
)
MEMO = Voice(
    structures=(
        (
            "To: [whom]",
            "From: <person>",
            "About: [title]",
            "1. [fact]",
            "2. [fact]",
            "3. [fact]",
            "4. [fact]",
            "[close]",
        ),
        ("Memo, <day>: [title]", "[opening] [fact] [fact]", "[remark] [fact]", "[stress] [fact]", "[close]"),
        (
            "From: <person>",
            "To: [whom]",
            "[opening]",
            "[fact]",
            "[fact] [remark]",
            "[fact] [fact]",
            "[stress] [again]",
            "[close]",
        ),
    ),
    banks={
        "whom": ("{all|everyone}", "the {new|whole} team", "all {staff|teams} in <town>", "<person>"),
        "opening": (
            "{this note|this memo} {sums up|is about} <subject>.",
            "{for those who are new|as some of you asked}: {a few|the} facts about <subject>.",
            "{below|here} is what {you should|all should} know about <subject>.",
        ),
        "stress": ("{please note|please remember|once more}:", "{most of all|above all}:", "keep {this|it} in mind:"),
        "close": (
            "{questions go|send questions} to <person>.",
            "{this|the memo} {holds|is valid} from <month>.",
            "{we meet|next meeting} on <day>.",
        ),
    },
)
FORUM = Voice(
    structures=(
        (
            "Thread: [title]",
            "<first>: [hello] [question]",
            "<second>: [fact]",
            "<first>: [thanks] [question]",
            "<second>: [fact] [fact]",
            "<third>: [me] [fact]",
        ),
        (
            "<first>: [hello] [question]",
            "<second>: [me] [fact]",
            "<third>: [fact] [remark]",
            "<first>: [thanks] [question]",
            "<third>: [fact]",
            "<second>: [fact]",
        ),
        (
            "Thread: [title]",
            "<first>: [question]",
            "<second>: [fact]",
            "<first>: [question]",
            "<third>: [fact]",
            "<first>: [question]",
            "<second>: [fact] [fact]",
            "<first>: [thanks]",
        ),
    ),
    banks={
        "hello": (
            "{hi|hello} {all|everyone}.",
            "{new here|first post}.",
            "{i have|just} a question about <subject>.",
            "{who knows|does anyone know} <subject>?",
        ),
        "thanks": ("{thanks|thank you}!", "{good|nice} to know.", "{ah|oh}, i see.", "{thanks|thank you}, <second>."),
        "me": (
            "i {read|heard|saw} this {too|on <day>}:",
            "{same here|that is right}.",
            "{from the page|from their notes}:",
            "{to add to that|one more thing}:",
        ),
    },
)
FAQ = Voice(
    structures=(
        ("[title]", "Q: [question]", "A: [fact]", "Q: [question]", "A: [fact]", "Q: [question]", "A: [fact]", "Q: [question]", "A: [fact]", "[close]"),
        ("Questions and answers: [title]", "[opening]", "[question]", "[fact]", "[question]", "[fact] [remark]", "[question]", "[fact]", "[question]", "[fact]"),
        ("Help page. [title]", "[opening]", "1. [question] [fact]", "2. [question] [fact]", "3. [question] [fact]", "4. [question] [fact]", "[again] [close]"),
    ),
    banks={
        "opening": (
            "{here|below} {are|you find} answers about <subject>.",
            "{people|many readers} ask {us|often} about <subject>.",
            "this page {is about|tells of} <subject>.",
        ),
        "close": ("{last changed|page of} <day>, <month>.", "{more questions|something else}? {write to|ask} <person>.", "{page|text}: <person>."),
    },
)  # fmt: skip
VOICES: dict[str, Voice] = {"news": NEWS, "blog": BLOG, "memo": MEMO, "forum": FORUM, "faq": FAQ}
PEOPLE = tuple(
    f"{first} {last}"
    for first in ("Mara", "Jon", "Ada", "Tim", "Rosa", "Omar", "Lena", "Paul")
    for last in ("Lind", "Stone", "Reed", "Marsh", "Vale")
)
TOWNS = ("Elmford", "Marlow", "Westhill", "Kingsley", "Oakham", "Rivermouth")
MONTHS = ("January", "March", "April", "May", "June", "August", "October", "November")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
NUMBERS = ("ten", "twelve", "twenty", "thirty", "forty")
USERS = ("robin", "otter", "pine", "comet", "delta", "amber", "lake", "hazel", "iris", "flint")
