"""What tests of programs on Stepwell need: a tier that calls nobody."""

from stepwell.router.tiers.fake import FakeTier

__all__ = ["FakeTier"]
