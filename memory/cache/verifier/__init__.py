from stepwell.memory.cache.verifier.verifier import Verifier

__all__ = ["Verifier"]
