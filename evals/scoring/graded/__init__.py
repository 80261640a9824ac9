"""Grading by a model: its prompts, its votes, and how often it is wrong itself."""
