"""Logged requests: read back, imported from other tools, decided again under another policy, made into suites."""
