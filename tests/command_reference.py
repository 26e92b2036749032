"""Writes the command reference into README.md: `python -m tests.command_reference`."""

# ruff: noqa: ANN401 - typer brings its own click, whose classes have no public name

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer.main

from miner.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator

README = Path(__file__).parent.parent / "README.md"
START = "<!-- commands: written by `make readme`, checked by the tests -->\n"
END = "<!-- end of commands -->\n"


def iterate_commands() -> Iterator[tuple[str, Any]]:
    """Yield every command with its full name, in the order of --help."""

    def walk(prefix: str, command: Any) -> Iterator[tuple[str, Any]]:
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(f"{prefix} {name}", inner)
        if not hasattr(command, "commands"):
            yield prefix, command

    yield from walk("eventminer", typer.main.get_command(app))


def render_reference() -> str:
    """Return the reference as Markdown."""
    return "\n".join(line for name, command in iterate_commands() for line in _render(name, command))


def _render(name: str, command: Any) -> Iterator[str]:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option" and param.name != "help"]
    required = [f"{param.opts[0]} {_value(param)}" for param in options if param.required]
    usage = " ".join([name, *[_value(param) for param in arguments], *required])
    yield from (f"### `{usage}`", "", " ".join(command.help.split()), "")
    for param in [*arguments, *options]:
        yield f"- {_title(param)}: {param.help}"
    yield ""


def _title(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{_value(param)}`"
    names = ", ".join(f"`{name}`" for name in param.opts)
    return names if param.is_flag else f"{names} `{_value(param)}`"


def _value(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def read_block(text: str) -> str:
    """Return what stands between the markers."""
    return text.partition(START)[2].partition(END)[0]


def replace_block(text: str) -> str:
    """Return a README with an up-to-date reference."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    return f"{before}{start}\n{render_reference()}{end}{after}"


if __name__ == "__main__":
    README.write_text(replace_block(README.read_text(encoding="utf-8")), encoding="utf-8")
