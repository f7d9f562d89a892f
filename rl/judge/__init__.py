"""The monitors over transcripts that anybody wrote."""
