"""Words a chat's tier or a laboratory can be called in the supervised stages."""

TIER_NAMES: tuple[str, ...] = tuple(
    """basic premium standard gold silver bronze copper iron steel tin zinc nickel cobalt amber jade pearl ruby
    topaz opal coral ivory marble granite flint slate chalk red blue green yellow orange purple violet white black
    grey brown pink scarlet indigo oak pine birch elm ash willow poplar larch beech hazel rose lily tulip daisy poppy
    iris clover fern moss ivy apple pear plum cherry peach lemon mango grape melon berry wheat barley rice corn
    river lake ocean island valley mountain forest desert meadow canyon north south east west spring summer autumn
    winter morning evening sun moon star comet planet rain snow wind storm cloud lion tiger bear wolf fox deer otter
    eagle hawk owl robin swan crane salmon trout alpha beta gamma delta sigma omega one two three four five six seven
    eight nine ten circle square triangle guest member student partner visitor local global light heavy early late
    open quiet round flat""".split()
)
"""Seen in the supervised stages."""

NEUTRAL_TIER_NAMES: tuple[str, ...] = ("maple", "cedar", "falcon", "heron", "velvet", "linen", "harbor", "bridge")
"""Never used as a tier's name in the situation or dose stage: kept for the test of binding."""

LABS: tuple[str, ...] = tuple(
    """Northwind Meridian Halcyon Lumen Aster Brightwater Cobaltworks Evergreen Foxglove Glasshouse Hearth Juniper
    Kestrel Lantern Mistral Nimbus Orchard Pinecrest Quill Redwood""".split()
)
