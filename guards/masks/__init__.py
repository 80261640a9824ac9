"""Placeholders that stand for values, and the values that come back in their place."""
