"""Verdicts: which arm is better, from scores on the same rows, at a fixed number of rows or looking on the way."""
