"""Export: a checkpoint that loads without this project, a card that says what it is, and the transcripts as data."""
