"""`eventminer extract`: event mentions from new texts and pictures."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from miner.cli.output import open_stderr
from miner.cli.run import SchedulerOption, WorkersOption

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from corpora.texts import TextRecord
    from kb.extract.mention import Mention
    from miner.run.folder import RunFolder
    from miner.run.picture_extraction import PictureCorpus
    from miner.run.progress import Progress

STDIN = "-"


def extract(
    kb: Annotated[Path, typer.Option("--kb", metavar="RUN", help="Run folder whose patterns and models extract.")],
    text: Annotated[
        str, typer.Option("--text", metavar="FILE|-", help="A text, one document; - is standard input.")
    ] = "",
    image: Annotated[
        Path | None, typer.Option("--image", metavar="FILE", help="A picture; with --text, one of the same document.")
    ] = None,
    corpus: Annotated[
        str,
        typer.Option(
            "--corpus",
            metavar="CORPUS",
            help="Captions and pictures of a corpus, or the sentences of an M2E2 file (its gold is not read).",
        ),
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write here instead of printing.")] = None,
    explain: Annotated[
        Path | None,
        typer.Option(
            "--explain", metavar="FILE", help="Draw the evidence of --text and --image as well, as .html or .png."
        ),
    ] = None,
    workers: WorkersOption = 0,
    scheduler: SchedulerOption = "",
    threads: Annotated[
        int, typer.Option("--threads", min=0, help="Threads and processes on this machine; 0 is one per core.")
    ] = 1,
    *,
    images: Annotated[bool, typer.Option("--images/--no-images", help="Look at the pictures of --corpus.")] = True,
) -> None:
    """Extract event mentions: type, trigger, picture, arguments with roles, score, and the patterns that argue for each, as JSON Lines.

    A run that 'eventminer kb train' has trained reads texts with its model; others use the triggers of their ontology, the names of
    their patterns and plain grammar. Pictures are read with what the run was mined from. A mention of a text and one of a picture
    of the same document and event type become one. Texts in other languages, empty ones and pictures that cannot be used are left
    out and counted.
    """
    from collections import Counter

    from miner.run.extracting import extract_all
    from miner.run.extraction import Extraction
    from miner.run.folder import open_run
    from miner.run.job import Place
    from miner.run.progress import OnConsole

    _check_choice(text, image, corpus, explain)
    folder = open_run(kb)
    progress = OnConsole(open_stderr())
    counts: Counter[str] = Counter()
    content = _read_text(text) if text and explain else None
    pictures = _pictures(folder, text, image, corpus if images else "", progress)
    if text or corpus:
        _note_model(folder)
    mentions: list[Mention] = []
    with ExitStack() as stack:
        target = stack.enter_context(out.open("w", encoding="utf-8")) if out else sys.stdout

        def write(mention: Mention) -> None:
            print(json.dumps(mention.as_json(), ensure_ascii=False), file=target)
            if explain:
                mentions.append(mention)

        texts = _texts(text, corpus, content, counts) if text or corpus else None
        place = Place(n_threads=threads, n_workers=workers, scheduler=scheduler)
        extract_all(folder, texts, pictures, place, progress, Extraction(write, counts))
    _require_some(text or corpus, image, counts)
    for reason, n in sorted(counts.items()):
        typer.echo(f"{n:,} {reason}", err=True)
    if explain:
        _explain(folder, explain, content, image, mentions)


def _check_choice(text: str, image: Path | None, corpus: str, explain: Path | None) -> None:
    if bool(text or image) == bool(corpus):
        raise typer.BadParameter("Give either --corpus, or --text, --image or both.")
    if explain and corpus:
        raise typer.BadParameter("--explain draws one text or picture, not a corpus.")
    if explain and explain.suffix.lower() not in {".html", ".png"}:
        raise typer.BadParameter(f"--explain draws .html or .png, not {explain.suffix or explain.name!r}.")


def _note_model(folder: RunFolder) -> None:
    from miner.run.extraction import EXTRACTOR, is_stale

    if not (folder.path / EXTRACTOR).is_dir():
        typer.echo("Note: the run has no trained model; rules read texts. 'eventminer kb train' trains one.", err=True)
    elif is_stale(folder):
        typer.echo("Note: the model was trained with other patterns than the run has now; train it again.", err=True)


def _pictures(
    folder: RunFolder, text: str, image: Path | None, corpus: str, progress: Progress
) -> PictureCorpus | None:
    """Return the pictures to look at; a corpus that has none is read for its texts alone, and that is said."""
    from corpora.m2e2 import looks_like_m2e2
    from miner.config_file import load_config
    from miner.errors import CorpusError
    from miner.run.picture_extraction import one_picture, read_pictures

    if image:
        return one_picture(image, document=_text_name(text) if text else "")
    if not corpus or looks_like_m2e2(Path(corpus)):
        return None
    try:
        return read_pictures(corpus, load_config(folder.path / "run.toml"), progress)
    except CorpusError as error:
        typer.echo(f"Note: no pictures are looked at: {error.message}", err=True)
        return None


def _text_name(text: str) -> str:
    return STDIN if text == STDIN else Path(text).name


def _read_text(text: str) -> str:
    if text == STDIN:
        return sys.stdin.read()
    return Path(text).read_text(encoding="utf-8", errors="replace")


def _texts(text: str, corpus: str, content: str | None, counts: Counter[str]) -> Iterator[TextRecord]:
    import io

    from corpora.texts import read_file_text, read_texts

    if corpus:
        yield from read_texts(corpus, counts)
    elif content is not None:
        yield from read_file_text(_text_name(text), io.StringIO(content))
    elif text == STDIN:
        yield from read_file_text(STDIN, sys.stdin)
    else:
        with Path(text).open(encoding="utf-8", errors="replace") as file:
            yield from read_file_text(Path(text).name, file)


def _require_some(location: str, image: Path | None, counts: Counter[str]) -> None:
    """Refuse what nothing could be read of.

    Raises:
        CorpusError: There was no usable text or picture.
    """
    from corpora.texts import require_texts
    from miner.errors import CorpusError

    refused = [reason.rpartition(": ")[2] for reason in counts if reason.startswith("pictures left out")]
    if image and refused:
        raise CorpusError(f"The picture {image} cannot be used: {refused[0]}.")
    if location:
        require_texts(location, counts["texts"] + counts["pictures"])


def _explain(folder: RunFolder, path: Path, content: str | None, image: Path | None, mentions: list[Mention]) -> None:
    from PIL import Image

    from miner.config_file import load_config
    from miner.run.extracting import describe_patterns
    from miner.store.formats import write_bytes
    from miner.visual.images import decode_image
    from reports.explanation import Source, explain_page, explain_picture

    picture = None
    if image:
        most = load_config(folder.path / "run.toml").visual.max_pixels
        picture = Image.fromarray(decode_image(image.read_bytes(), max_pixels=most).rgb)
    title = image.name if image else "text"
    sources = [Source(title, content, picture, [mention.as_json() for mention in mentions])]
    patterns = describe_patterns(folder)
    if path.suffix.lower() == ".png":
        write_bytes(path, explain_picture(sources, patterns))
    else:
        write_bytes(path, explain_page(sources, patterns).encode())
