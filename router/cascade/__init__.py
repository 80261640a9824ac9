"""Ask cheap tiers, compare their answers or read their confidence, and go a tier up where that says so."""
