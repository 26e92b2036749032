"""Configuration as TOML: defaults, then a file, then `-o section.name=value`; unknown names and bad values are refused."""

from __future__ import annotations

import json
import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from miner.config import RunConfig, Section
from miner.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pydantic.fields import FieldInfo

SHOW_HINT = "See every parameter with 'eventminer config show'."


def load_config(path: Path | None = None, overrides: Sequence[str] = ()) -> RunConfig:
    """Build the configuration of a run.

    Args:
        path: A TOML file, such as the `run.toml` of an earlier run; `None` for the defaults.
        overrides: `section.name=value`, in TOML notation or as a bare word; they win over the file.

    Raises:
        ConfigError: The file is missing or not TOML, a name is unknown, or a value is not allowed.
    """
    values = {} if path is None else _read_toml(path)
    for override in overrides:
        _apply(values, override)
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_describe(error, "" if path is None else f"{path}: "), hint=SHOW_HINT) from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"Cannot read the configuration {path}: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not TOML: {error}.", hint=SHOW_HINT) from error


def _apply(values: dict[str, Any], override: str) -> None:
    name, equals, text = override.partition("=")
    *sections, leaf = name.strip().split(".")
    if not equals or not leaf:
        raise ConfigError(f"-o {override!r} is not of the form section.name=value.", hint=SHOW_HINT)
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigError(f"-o {override!r}: {section!r} is not a section.", hint=SHOW_HINT)
    values[leaf] = _parse_value(text.strip())


def _parse_value(text: str) -> object:
    """Read a value in TOML notation; what is none is a plain string, so that quotes may be left out."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _describe(error: ValidationError, where: str) -> str:
    """Name the field, its value and what is allowed, of the first problem."""
    problem = error.errors()[0]
    name = ".".join(str(part) for part in problem["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        return f"{where}Unknown parameter {name!r}{more}.{_suggest(name)}"
    return f"{where}{name} = {problem['input']!r} is not allowed: {problem['msg']}{more}."


def _suggest(name: str) -> str:
    close = get_close_matches(name, [known for known, _, _ in iterate_fields(RunConfig())], n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def iterate_fields(config: RunConfig) -> Iterator[tuple[str, object, FieldInfo]]:
    """Yield dotted name, value and declaration of every parameter, plain ones first."""
    values = {name: getattr(config, name) for name in RunConfig.model_fields}
    for name, value in values.items():
        if not isinstance(value, Section):
            yield name, value, RunConfig.model_fields[name]
    for section, table in values.items():
        if isinstance(table, Section):
            for name, field in type(table).model_fields.items():
                yield f"{section}.{name}", getattr(table, name), field


def get_setting(config: RunConfig, name: str) -> object:
    """Return the value of a parameter by its dotted name, as JSON would hold it."""
    value: object = config.model_dump(mode="json")
    for part in name.split("."):
        value = value[part] if isinstance(value, dict) else None
    return value


def render_config(config: RunConfig, *, comments: bool = True) -> str:
    """Return a configuration as TOML that `load_config` reads back unchanged.

    Args:
        config: The configuration.
        comments: Put the meaning of each parameter above it.
    """
    lines: list[str] = []
    section = ""
    for name, value, field in iterate_fields(config):
        table, _, leaf = name.rpartition(".")
        if table != section:
            doc = type(getattr(config, table)).__doc__ or ""
            lines += ["", *([f"# {doc.splitlines()[0]}"] if comments else []), f"[{table}]"]
            section = table
        lines += [*([f"# {field.description}"] if comments else []), f"{leaf} = {render_value(value)}"]
    return "\n".join(lines) + "\n"


def render_value(value: object) -> str:
    """Write a value in TOML notation; strings and keys share JSON's."""
    if isinstance(value, dict):
        pairs: Mapping[str, object] = value
        return "{" + ", ".join(f"{render_value(key)} = {render_value(item)}" for key, item in pairs.items()) + "}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
