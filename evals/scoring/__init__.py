"""Scorers that need more than the answer: a sandbox, an embedder, a judge."""
