"""Does a completion act against the lab?"""
