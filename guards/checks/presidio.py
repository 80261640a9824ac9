"""Whatever Microsoft Presidio's recognisers find. Optional: needs `presidio-analyzer`.

Without a model it runs on a blank spaCy pipeline: patterns and checksums, no names. It reaches no network: no model
is downloaded, and the list of public suffixes is the one that ships with tldextract.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.guards.check import WHOLE_TEXT
from stepwell.guards.spacy_models import installed, load_model

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine  # type: ignore[import-not-found,unused-ignore]


class Presidio:
    """Judges whole texts: words around a value raise its score."""

    name = "presidio"
    max_len = WHOLE_TEXT
    engine = "presidio"

    def __init__(
        self, analyzer: AnalyzerEngine, *, language: str, entities: Sequence[str] | None, min_score: float
    ) -> None:
        self._analyzer = analyzer
        self._language = language
        self._min_score = min_score
        self.kinds: tuple[str, ...] = tuple(entities or sorted(analyzer.get_supported_entities(language)))

    def find(self, text: str) -> list[Finding]:
        found = self._analyzer.analyze(
            text, language=self._language, entities=list(self.kinds), score_threshold=self._min_score
        )
        findings = (Finding(r.entity_type, r.start, r.end, r.score, self.name) for r in found)
        return sorted(findings, key=lambda f: (f.start, -f.end, f.kind))


def make(
    entities: Sequence[str] | None = None,
    language: str = "en",
    model: str | None = None,
    min_score: float = 0.4,
) -> Presidio:
    """Build the check.

    Args:
        entities: Presidio's own names of what to look for; None: all it knows for the language.
        model: A spaCy model's package or folder, for names and places; None: a blank one.
        min_score: Presidio's certainty, 0..1, below which nothing is reported.

    Raises:
        ConfigError: Presidio, spaCy or the model is not installed; entities are no list.
    """
    if isinstance(entities, str):
        raise ConfigError("check 'presidio': entities is a list")
    presidio = installed("presidio_analyzer", "presidio-analyzer")
    engine = _engine(language, load_model(model, language))
    analyzer = presidio.AnalyzerEngine(nlp_engine=engine, supported_languages=[language])
    _stay_offline()
    return Presidio(analyzer, language=language, entities=entities, min_score=min_score)


def _engine(language: str, model: Any) -> Any:
    """Presidio's wrapper around a model that is loaded already: its own `load` would download one."""
    engines = installed("presidio_analyzer.nlp_engine", "presidio-analyzer")
    engine = engines.SpacyNlpEngine(models=[{"lang_code": language, "model_name": "given"}])
    engine.nlp = {language: model}
    return engine


def _stay_offline() -> None:
    """Its e-mail recogniser asks tldextract, which else fetches a list at first use."""
    tldextract: Any = installed("tldextract.tldextract", "tldextract")
    tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
