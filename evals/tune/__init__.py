"""Learn a routing policy from outcomes, and say what it can promise."""
