"""Run programs that a model wrote, locked up, and score them by a row's tests."""
