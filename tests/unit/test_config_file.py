from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.config import CorpusConfig, LabelConfig, MineConfig, RunConfig
from miner.config_file import get_setting, iterate_fields, load_config, render_config
from miner.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def test_config_file_defaults_when_nothing_is_given() -> None:
    assert load_config() == RunConfig()


def test_config_file_overrides_win_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("seed = 3\n[mine]\nmax_len = 3\nmin_confidence = 0.5\n")
    config = load_config(
        path, ["mine.max_len=2", "visual.backbone=resnet", 'label.aliases={"Big Game" = "Sport.Ball"}']
    )
    assert config.seed == 3
    assert config.mine.max_len == 2
    assert config.mine.min_confidence == 0.5
    assert config.visual.backbone == "resnet"
    assert config.label.aliases == {"Big Game": "Sport.Ball"}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("mine.min_suport=1", "Unknown parameter 'mine.min_suport'. Did you mean 'mine.min_support'?"),
        ("mine.max_len=1", "mine.max_len = 1 is not allowed: Input should be greater than or equal to 2."),
        ("seed=many", "seed = 'many' is not allowed: Input should be a valid integer"),
        ("seed", "-o 'seed' is not of the form section.name=value."),
        ("text.dims.x=2", "text.dims = {'x': 2} is not allowed"),
    ],
)
def test_config_file_mistakes_name_their_field(override: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, [override])
    assert message in caught.value.message


def test_config_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("seed = = 1")
    with pytest.raises(ConfigError, match=r"run\.toml is not TOML: .*line 1"):
        load_config(path)
    with pytest.raises(ConfigError, match=r"Cannot read the configuration .*absent\.toml"):
        load_config(tmp_path / "absent.toml")


def test_config_file_shows_every_parameter_with_its_meaning() -> None:
    text = render_config(RunConfig())
    for name, _value, field in iterate_fields(RunConfig()):
        assert field.description, f"{name} has no meaning"
        assert f"# {field.description}\n{name.rpartition('.')[2]} = " in text


STRINGS = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    seed=st.integers(0, 2**62), lift=st.floats(0, 1e300), ontology=STRINGS, columns=st.dictionaries(STRINGS, STRINGS)
)
def test_config_file_what_is_rendered_loads_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, lift: float, ontology: str, columns: dict[str, str]
) -> None:
    config = RunConfig(
        seed=seed,
        corpus=CorpusConfig(columns=columns),
        label=LabelConfig(ontology=ontology),
        mine=MineConfig(min_lift=lift),
    )
    path = tmp_path_factory.getbasetemp() / "rendered.toml"
    for comments in (True, False):
        path.write_bytes(render_config(config, comments=comments).encode())
        assert load_config(path) == config


def test_config_file_setting_by_dotted_name() -> None:
    assert get_setting(RunConfig(seed=5), "seed") == 5
    assert get_setting(RunConfig(mine=MineConfig(max_len=5)), "mine.max_len") == 5
