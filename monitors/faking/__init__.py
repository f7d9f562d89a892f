"""Does a scratchpad reason about complying in order not to be changed?"""
