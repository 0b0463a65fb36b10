"""The pages a mail sender meets: the challenge, "I did not write this", "take my mail back", and the status."""
