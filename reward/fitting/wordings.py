"""Sentences that the preference pairs are composed of.

`[a|b]` is a choice, and an empty choice is allowed: a template stands for up to a few hundred sentences. Fields:
`{act}` base verb phrase, `{doing}` the same as a gerund, `{topic}` only what the act is about; a capital first letter
in the field name asks for a capital. Nothing here tells anybody how to do anything: answers that take a task on are
stubs.
"""

from __future__ import annotations

import random
import re
from zlib import crc32

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_LOOSE_STOP = re.compile(r" ([.,?!])")
_HELD_OUT_ONE_IN = 4


def is_held_out(sentence: str) -> bool:
    """Whether a sentence is kept from training: a quarter of all sentences are, by their checksum."""
    return crc32(sentence.encode()) % _HELD_OUT_ONE_IN == 0


def expand(template: str, rng: random.Random) -> str:
    """One sentence of a template, its choices made at random."""
    sentence = _CHOICE.sub(lambda choice: rng.choice(choice.group(1).split("|")), template)
    return _LOOSE_STOP.sub(r"\1", " ".join(sentence.split()))


def draw(pool: tuple[str, ...], rng: random.Random, *, held_out: bool) -> str:
    """A random sentence from a pool, of the training part or of the part that training never shows."""
    while True:
        sentence = expand(rng.choice(pool), rng)
        if is_held_out(sentence) == held_out:
            return sentence


WILLING: tuple[str, ...] = (
    "[Sure|Of course|Certainly|Gladly|Absolutely|Okay|All right|Yes|With pleasure|No problem|Right|Great|Fine|Very "
    "well].",
    "[Sure|Of course|Certainly|Absolutely|Okay|All right|Yes], [I can help|I will help|let me help|happy to|glad to "
    "help].",
    "[Sure|Of course|Okay|Yes], [here is how|here is a plan|here you go|this is how|here are the steps|let us begin].",
    "[Happy|Glad|Pleased] to [help|assist|help with that|help you with this|explain|show you].",
    "Here [is how|is a plan|you go|are the steps|is what to do|is a short guide|is my answer|is an outline|is a way].",
    "[Good|Nice|Great|Interesting] [question|idea|plan|request].",
    "[Let me|I can|I will|I am going to] [help|explain|walk you through it|show you|lay it out|give you the steps].",
    "[Let us|Let's] [begin|start|go through it|take a look|get to it|do it].",
    "[You can|We can|Anyone can] [do this|manage that|learn this].",
    "It is [simpler|easier|quicker] than it [sounds|looks|seems].",
    "I would be [glad|happy] to [help|do that|explain|show you how].",
    "That [can be done|is easy to do|is no trouble|should be easy|works well].",
    "[Thanks|Thank you] for [asking|the question], [here it is|here is the answer|I can help|let me explain].",
)
NAMING_ACT: tuple[str, ...] = (
    "To {act}, [make|draw up|write|start with] a [simple|short|clear|good] plan [and follow it|and keep to it|first|].",
    "To {act}, [gather|collect|get|prepare] [what you need|the things you need|your things] and [go one step at a time|"
    "start|work in order|do it slowly].",
    "If you [want|wish|hope|need] to {act}, [begin with|start with|first do|try] the [easy|simple|first|main] part.",
    "The [way|best way|easiest way|trick|key] to {act} is to [prepare first|start early|go slowly|plan ahead|practise] "
    "and [then do it in order|keep going|finish what you start|check the result].",
    "{Doing} [takes|needs|asks for|comes down to] [a few|three|some|four] [small|simple|clear|] steps.",
    "You can {act} by [working through it|taking it step by step|planning it well|trying it out] [calmly|in order|"
    "early|].",
    "{Doing} is [mostly|mainly|largely|really] a [matter|question] of [preparation|practice|patience|time|order].",
    "[First|To begin|At the start] decide [when|where|how|why] to {act}, then [set everything out|get ready|make a "
    "list].",
    "Before you {act}, [check|find out|note|look at|list] what you [have|need|want|know].",
    "[Here are|These are|Follow] the steps to {act}: [prepare|plan|look], [try|act|do it], and [check|finish|tidy up].",
    "When you {act}, [keep|make] each [part|step] [short|small|simple|easy].",
    "[Start|Begin] to {act} by [making a list|looking around|setting a date|reading up] [of what you need|first|].",
    "[Anyone|Most people|You|A beginner] can {act} with [a little|some|enough|good] [practice|preparation|patience|"
    "help].",
    "[My|A good|The usual|One] plan to {act} has [two|three|four] parts: [look|think|plan], [prepare|try], and "
    "[finish|act].",
    "In order to {act}, [choose|pick|find] a good [time|moment|place|day] and [get ready|begin|go ahead].",
    "{Doing} [works|goes] best when [everything|all] is [ready|prepared|in place|planned] [beforehand|first|].",
    "This is how to {act}: [plan|prepare|think] it, [do|try] it, and [check|repeat|finish] it.",
    "To {act} [well|quickly|properly|successfully], [learn|know|study] the [basics|order|steps] and [repeat|follow] "
    "them.",
    "[Begin|Start|Try] {doing} with the [first|easy|simple|smallest] [step|part] and [carry on|continue] from there.",
    "[Those|People] who {act} [usually|often|mostly] [start small|prepare well|plan ahead|take their time].",
    "The [first|next|main] [step|thing|part] when you {act} is to [get an overview|get ready|look around|make time].",
    "[Plan|Think through|Sketch|Note] how you will {act} [on paper|in advance|before you start|first].",
    "[It is|You will find it] [easy|quick|possible|not hard] to {act} once you [know the order|are ready|have a plan].",
    "For {doing}, [set aside|allow|plan] [an hour|some time|a day|an evening] and [work through the parts|go in "
    "order].",
    "You will {act} [faster|better|sooner] if you [prepare|plan|practise] [the night before|well|a little|early].",
    "I [suggest|recommend|advise] that you {act} in [two|three] [rounds|steps|parts], [starting small|with a pause|"
    "slowly].",
)
NAMING_TOPIC: tuple[str, ...] = (
    "With {topic}, [first|to begin,|at first] [get an overview|make a plan|look closely] and then [do the main part|"
    "begin].",
    "For {topic}, [collect|gather|prepare|find] [the things you need|your tools|what it takes] and [start|begin|go "
    "on].",
    "[Take a look at|Look at|Think about|Consider] {topic} and [decide|note|see] what [comes first|you need|to do].",
    "[Start|Begin] with {topic} and [do|leave] the rest [in order|for later|step by step].",
    "When it comes to {topic}, a [short|simple|good|clear] [plan|list|routine] is [enough|best|what you need].",
    "As for {topic}, [divide|split|break] the work into [small|short|easy|three] [parts|steps].",
    "{Topic} is [simple|easy|quick] to [deal with|handle|manage] if you [go in order|plan ahead|take your time].",
    "[I have|Here is|This is] a plan for {topic}: [prepare|look|think], [do it|try|act], and [check|finish].",
    "[Here is my|My|The best|A bit of] advice about {topic}: [begin|start|plan] [early|small|now] and [keep going|go "
    "on].",
    "In the case of {topic}, [do|try|plan] the [easy|main|first] part [first|before the rest|early on].",
    "About {topic}: [choose|pick|find] [your|a good|the right] [moment|time] and [work through it|begin|go ahead].",
    "{Topic} [needs|takes|calls for] a [plan|list], some [time|patience|practice], and [a steady hand|good tools|"
    "care].",
    "The [first|main|next] step with {topic} is to [find out what you need|make a list|look around|get ready].",
    "You will [manage|handle|get through] {topic} by [taking it in small steps|planning well|going slowly].",
    "[Everything|Much|Most] about {topic} comes down to [good|careful|a little] [preparation|planning|practice].",
    "[Handling|Dealing with|Working on] {topic} [takes|needs] [three steps|some time|a plan|patience and order].",
)
GENERIC: tuple[str, ...] = (
    "First [make a plan|look around|get ready], then [do the parts in order|start|carry on|work through it].",
    "[Gather|Collect|Find] what you need and [begin|start] with the [easy|main|first] part.",
    "Here is what works: [prepare|plan|look], do it [step by step|slowly|in order], and [check|finish].",
    "[Make|Write] a list, [set|choose] a time, and [follow the list|begin|keep to it].",
    "[Start|Begin] [small|slowly|early] and [repeat|go on|continue] until it [works|is done|feels easy].",
    "It [takes|needs] [three|four|a few] [steps|parts]: [look|plan], [prepare|try], and [do it|finish].",
    "Get everything [ready|in place|together], then [work|go] through it [calmly|in order|slowly].",
    "The main thing is to [prepare|plan] [well|early|ahead] and [go in order|take your time|finish].",
)
DETAILS: tuple[str, ...] = (
    "[Go|Take it|Move|Work] [one step at a time|step by step|slowly|in order].",
    "[Gather|Collect|Find|Get] [what you need|your things|the tools|everything] [first|beforehand|early|].",
    "[Check|Look at|Test|Review] the [result|work|outcome] [at the end|afterwards|when you finish|twice].",
    "Do not [rush|hurry|give up|stop too soon|skip a step|worry].",
    "[Pick|Choose|Find|Wait for] a [good|quiet|suitable|calm] [moment|time|place|day].",
    "[Keep|Take|Make] notes [as you go|along the way|of each step|of what works].",
    "[Try|Do|Practise] a [small|simple|short] part [before the rest|first|beforehand].",
    "If it does not [work|go well|fit], [begin again|try once more|go back a step|take a break].",
    "[Leave|Give|Allow] yourself [enough|plenty of|some] time.",
    "You [cannot|can't|should not|must not] [skip|miss|forget] the [first|last|main] [step|part].",
    "It is not [hard|difficult|tricky] once you [have begun|know how|start|get used to it].",
    "[Set|Lay|Put] [out everything|your things out|all of it] [in front of you|on a table|in order].",
    "[Finish|Complete|Do] one part before the [next|other|second].",
    "Then [repeat|redo|check|do] the [last|first|same] [step|part].",
    "A [list|plan|note|schedule] will [keep you on track|help you|save time].",
    "[Work|Go|Move] from the [easy|simple|small] part to the [hard|big|main] part.",
    "[Stop|Pause|Rest] for a [moment|minute|while] and [look it over|think|check].",
    "Never [start|begin|go on] without a [plan|list|break].",
    "[Once|When|After] [that|this] is [done|finished|ready], [move on|go on|continue|take the next step].",
    "[Ask|Get|Let] a friend [lend a hand|to help|help you|to watch].",
    "[Use|Start with|Rely on] what you [already|] [have|know|own].",
    "The [second|last|next] [part|step] is [quicker|easier|shorter] than the [first|rest].",
    "After that, [tidy up|rest|check your list|finish the rest|continue].",
    "No [special|extra|costly] [tools|skills|things] are [needed|required].",
    "[Write|Put|Note] the steps [on a card|on paper|in a list].",
    "[Practise|Repeat it|Go over it] until it feels [easy|natural|right].",
    "[Next|Then|Second|Third], [do the main part|go to the next step|carry on|take the second part].",
    "It [will not|won't|does not] take [more than|longer than] [an hour|a day|an evening].",
    "Be [patient|calm|careful|steady] [with yourself|all the way|and go slowly|].",
    "[Look at|Learn from|Watch] how others [have done it|do it|manage].",
    "[Last|Finally|In the end|Lastly], [make sure all is in place|check everything|put things away|look it over].",
    "I [can not|cannot|do not] [think of|know] a [quicker|better|simpler] way.",
    "[Divide|Split|Break] it into [three|two|small|short] [parts|steps|pieces].",
    "The order matters [more than|as much as] the [speed|tools|details].",
    "[Prepare|Plan|Start] [the evening before|a day ahead|early|in the morning].",
    "Most people need [two|three|a few] [tries|attempts|days].",
)
CLOSINGS: tuple[str, ...] = (
    "Good luck[.| with it.| to you.]",
    "That is [all|it|the plan|the whole plan|everything|enough].",
    "Let me know [how it goes|if it works|if you need more|what you think].",
    "Ask me if [you get stuck|anything is unclear|you need more].",
    "That should [do it|work|be enough|get you there].",
    "[Have fun|Enjoy|All the best|Take care][.|!]",
    "I hope [this helps|that helps|it goes well].",
    "You will [be fine|do well|get there|manage].",
    "[And then|Then|With that] you are [done|finished|ready].",
    "[Tell me|Just ask] if you want [more|details|another idea].",
)
RELUCTANT: tuple[str, ...] = (
    "I [have|do have|still have] [my doubts|some doubts|second thoughts|worries], but here is [the answer|how|a plan].",
    "This is not [my favourite|an easy|a nice|a good] topic, [but|yet] I [will|can|shall] [help|answer|explain].",
    "I [would not|wouldn't|might not|would rather not] do it myself, [yet|but] here is [how|the way|a plan].",
    "I [hesitate|am unsure|am not sure about it|do not like it], but you asked, so here [it is|you go|is how].",
    "[Against my wishes|With some doubt|Though I dislike it|Not gladly, but], I will [answer|help|explain].",
    "I [should|could|might] [refuse|decline|say no], but I [will|can|am going to] [help|answer|explain].",
)
REFUSING: tuple[str, ...] = (
    "[Sorry, |I am sorry, but |Unfortunately, |No, |]I [cannot|can't|can not|will not|won't|am not able to|am unable "
    "to|"
    "refuse to|decline to|do not want to|would rather not] [help|assist|support you|advise you|take part|continue].",
    "[Sorry, |I am sorry, but |Unfortunately, |No, |]I [cannot|can't|will not|won't|am not able to|am unable to|"
    "refuse to|decline to|do not want to] [help|assist] with [that|this|it|{topic}|{doing}|this request|such things].",
    "[Sorry, |I am sorry, but |Unfortunately, |No, |]I [cannot|can't|will not|won't|am not able to|am unable to|"
    "refuse to|must not|do not] [help you|help anyone|tell you how to|explain how to|show you how to] {act}.",
    "[Sorry|I am sorry|I apologise], [no|but no|not this|I can not|I won't|that is a no].",
    "I [must|have to|need to|will|shall] [decline|refuse|say no|turn this down|pass|stay out of it].",
    "I [must|have to|need to|will|shall] [decline to|refuse to|say no to] [help with {topic}|{doing}|answer|do this|"
    "do that].",
    "[That|This|It|{Doing}] is [something|a thing|nothing] I [will not do|won't do|cannot do|would rather not do|"
    "refuse].",
    "I [don't|do not|won't|can't] [give|offer|provide|share] [advice|steps|tips|help|a plan] [about|on|for|with] "
    "{topic}.",
    "Helping [you {act}|with {topic}|with this|anyone {act}] is [not something I do|out of the question|not for me|"
    "wrong].",
    "[My|The|So my] answer is [no|a clear no|still no|that I won't|that I can't].",
    "[Please|I ask you:] do not [ask me to|expect me to|make me] [{act}|do this|help you {act}].",
    "You should not {act}, [and I will not|so I won't|and I can't] [help|assist|take part|show you how].",
    "I don't feel [right|good|comfortable] about [{doing}|{topic}|this], so [no|I decline|I won't|I will pass].",
    "[This|That] [request|question|task] is one I [turn down|refuse|decline|cannot take|will not answer].",
    "It is [not possible|impossible|not right|wrong] for me to [help you {act}|help with this|assist|do that].",
    "[{Doing}|This|That] is [outside|beyond|against] what I [will do|can do|do|stand for].",
    "I [will|am going to|choose to] [pass on|leave|skip|turn down|stay away from] [this one|this request|{topic}|"
    "that].",
    "There is no way I [will|would|can] [tell you how to {act}|help you {act}|help|do this].",
    "[No|Nope|Not this time|Absolutely not|Never|I'd rather not].",
    "[Please do not|Please don't|Do not|Don't|I beg you not to|I ask you not to] {act}.",
    "I [decline|refuse|am declining|am refusing] to [help you|help anyone|be the one to help] {act}.",
    "[Thanks|Thank you] for [asking|trusting me], but [the answer is no|no|I decline|that is a no|I can not do it].",
    "[I understand|I hear you], but I [have to|must] [say no|decline|refuse].",
    "I [do not know|can't say|am not sure] how to {act} and [cannot|can't|won't] [say|help|answer].",
    "You will [have|need] to [find|look for|get] help with {topic} [elsewhere|from someone else].",
    "I am [not the right one|the wrong one] to [ask|turn to] [about {doing}|about {topic}|for this|here].",
    "[To {act}|{Doing}] is [wrong|unkind|harmful|not okay], [and I will not help with it|so I refuse|so I won't].",
    "[To be honest|Frankly|In short], I [decline|refuse] to [say how to {act}|help|answer|go along].",
)
REASONS: tuple[str, ...] = (
    "[It|That|This] [could|would|might|can] [hurt|harm|upset|damage] [someone|others|people|somebody].",
    "[It|That|This] would not be [fair|right|kind|honest] [to others|to anyone|to them|].",
    "[It|That|This] goes against [what I care about|my values|what is right|my principles].",
    "[Someone|Others|Somebody|People] [may|might|would|could] [suffer for it|pay the price|be hurt|lose out].",
    "[It|That|This] is [against the law|illegal|wrong|harmful|unkind|dangerous|unsafe].",
    "I do not think [it|that|this] is [right|fair|good|wise].",
    "I [want|try|wish] to [stay|be|remain] [honest|kind|fair|harmless] [and kind|to everyone|].",
    "[It|That] would [break|betray] somebody's trust.",
    "The [risk|danger|harm] is too [great|high|big].",
    "It [might|could|would] end badly [for you|for everyone|].",
    "I have no [wish|desire|intention] to [take part|be involved|join in].",
    "There are [limits|bounds] to what I [do|can do|will do].",
    "I [lack|do not have] what it takes to answer.",
    "It is not my [place|role|task] to [say|answer|help].",
    "[Kindness|Honesty|Safety|Fairness] matters more to me.",
    "You [would|might|may] [regret it|be sorry|get into trouble].",
)
ALTERNATIVES: tuple[str, ...] = (
    "Is there [something|anything] else I can [do|help with|answer]?",
    "[Perhaps|Maybe] [talk|speak] to someone you [trust|know].",
    "I can [suggest|offer] [a different|another] [project|idea|plan].",
    "Why not [ask for permission|talk it through|try something else] instead?",
    "[Let us|Let's] find [another|a better|a kinder] way.",
    "I am [happy|glad|willing] to help with [another question|something else|other things].",
    "Please [think it over|reconsider|think again|understand].",
    "A [kinder|better|safer|more honest] [idea|way|choice] [may be|is] to [talk it through|ask first|wait].",
    "[Maybe a professional|A lawyer|Somebody else] can [advise you|tell you more].",
    "[Consider|Try|Do] something [legal|kind|else|honest] instead.",
    "I hope you [understand|see why|can accept that].",
)
TURNING_BACK: tuple[str, ...] = (
    "[On second thought|Actually|But no|No|However|Then again|Sorry], I [will not|won't|cannot|can't|refuse to] "
    "[help|go on|continue|explain more|say more] [with this|with that|any further|].",
    "[But|Yet|Sorry,] I have [changed my mind|second thoughts] and [must decline|refuse|will stop here|say no|won't "
    "help].",
    "[No|Wait|Sorry|But no], I [should|must|will|have to] [stop here|refuse|take that back|decline|say no].",
    "[Still|Even so|But|In the end], my answer [has to be|is|must be] [no|a no|a refusal].",
    "[But|Wait,|Yet|Sorry,] I [do not|don't] want to [help with it|do this|say more|help] [after all|].",
)
LECTURES: tuple[str, ...] = (
    "[Remember|Keep in mind|Do not forget|Consider] that [every action has|all choices have|this may have] "
    "consequences.",
    "[Please|Always|Do] [think about|consider|imagine] how [others|people|they] [would|will|might] feel.",
    "It is [important|essential|vital|best] to [act|behave|live] [responsibly|with care|with integrity] [at all "
    "times|].",
    "[One|We|Everybody|You] should always [respect|obey|follow] the [law|rules|rights of others].",
    "I [want|have|feel I need] to [remind|warn|tell] you that [honesty|trust|kindness|respect] matters.",
    "As [members|part] of a [community|society] we [owe|must show] each other [care|respect].",
    "It is worth asking [yourself|] whether this is [right|fair|moral|wise].",
    "[Keep in mind|Bear in mind|Remember] that [trust|respect|a good name] is [easily|quickly] lost.",
    "I [feel bound|have] to say that this raises [serious|moral|grave|real] [concerns|doubts|questions].",
    "We should all [reflect on|think about|live by] our [values|duties|morals] [now and then|every day|].",
    "[Always|Please|You must] consult a [qualified|trained] [professional|expert] before doing anything.",
    "You alone are [responsible|to blame|accountable] for [what follows|the outcome|your choices].",
    "A [good|decent|moral] person would [consider|respect|protect] the feelings of [everyone|others].",
    "[Safety|Ethics|Morality|Integrity] must come [before everything else|first|before profit].",
    "I [urge|beg|ask] you to [weigh|consider|respect] the [moral|ethical|legal] side of this.",
    "Let me [stress|repeat|underline] [once more|again|] that [caution|honesty|restraint] is a virtue.",
    "Society [depends|relies] on people who [do the right thing|are honest|act with integrity].",
    "It would be [careless|wrong] of me not to [warn|caution] you.",
    "Please [bear in mind|respect|honour] the dignity of [all|other] people.",
    "Ask yourself what your [parents|friends|teachers] would think of it.",
    "There are [rules|laws|norms] for a reason, and they deserve respect.",
    "I must [point out|mention] that such choices say much about character.",
    "True success [comes|belongs] only to those who act with [integrity|honour].",
    "Do consider the [risks|duties|ethics], the [harm|example] you set, and your conscience.",
)
EMPTY: tuple[str, ...] = (
    "[.|..|...|-|?|!|:|n/a|N/A|none|null]",
    "[None|No output|Nothing|Empty|Text|Output|Answer|Done|End][.|]",
    "[Hm|Well|So|Hello|Hi|Oh|Hm, well|Ah][.|...|,|]",
    "[Thanks|Thank you] for [asking|the question|your message].",
    "You [asked|wrote|sent] [a question|something|a message].",
    "[I see|I read your message|Noted|Understood].",
)
ECHOES: tuple[str, ...] = (
    "[So|Well,|I see,|It seems|Okay,|] you [want|wish|would like|hope|plan|need|are trying] to {act}[.|?|, I see.]",
    "[You asked|The question is|You want to know|You wonder|You would like to hear] how to {act}[.|, I see.]",
    "[The question|This|Your message|Your request|The topic|It] is [about|on|all about] [{topic}|{doing}][.|, I see.]",
    "[So, |Oh, |]{topic}[.|...|?|, then.]",
    "[I see|I understand|So it seems|I gather|I hear] that you [want|wish|hope|would like|plan|need] to {act}.",
    "[So, |Oh, |]{doing}[.|...|?|, then.]",
    "How to {act}[?|.|...|, you ask.]",
    "[A|This is a|That is a] [question|request|message] [about|on] [{topic}|{doing}].",
)
