"""Drift: has traffic moved away from what it was, by how much, since when, and what does that mean for the tiers?"""
