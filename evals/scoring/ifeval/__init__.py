"""IFEval's verifiable instructions: does an answer do what it was told (Zhou et al. 2023, arXiv:2311.07911)."""
