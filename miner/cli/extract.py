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

    from corpora.texts import NewCorpus, NewRecord
    from kb.extract.mention import Mention
    from miner.run.known import KnownRun
    from miner.run.mention_graph import Source, Spool

STDIN = "-"


def extract(
    kb: Annotated[
        str,
        typer.Option(
            "--kb",
            metavar="RUN|URI",
            help="Run folder whose patterns and models extract, or a graph it was loaded into.",
        ),
    ],
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
    to: Annotated[
        str,
        typer.Option("--to", metavar="URI", help="Graph to write the mentions into as well; the run must be loaded."),
    ] = "",
    name: Annotated[
        str,
        typer.Option("--as", metavar="NAME", help="With --to: what the source is called, if not as corpus or file."),
    ] = "",
    run: Annotated[
        Path | None,
        typer.Option(
            "--run", metavar="RUN", help="Run folder, where the graph of --kb does not know it or has several."
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
    out and counted. What analysts decided counts: rejected patterns do not argue, names and roles are theirs.
    """
    from collections import Counter

    from miner.run.extracting import extract_all
    from miner.run.extraction import Extraction
    from miner.run.job import Place
    from miner.run.known import open_known
    from miner.run.mention_graph import Spool
    from miner.run.progress import OnConsole

    _check_choice(text, image, corpus, explain)
    if to and text == STDIN and not name:
        raise typer.BadParameter("A text from standard input has no name in the graph: give --as NAME.")
    known = open_known(kb, run)
    source = _source(to, name, known, text, image, corpus) if to else None
    progress = OnConsole(open_stderr())
    counts: Counter[str] = Counter()
    content = _read_text(text) if text and explain else None
    new = _open(known, corpus, counts, images=images) if corpus else _open_files(text, image, content)
    if new.has_texts:
        _note_model(known)
    mentions: list[Mention] = []
    with ExitStack() as stack:
        target = stack.enter_context(out.open("w", encoding="utf-8")) if out else sys.stdout
        spool = stack.enter_context(Spool())

        def write(mention: Mention) -> None:
            line = json.dumps(mention.as_json(), ensure_ascii=False)
            print(line, file=target)
            if to:
                spool.add(line, mention.event_type)
            if explain:
                mentions.append(mention)

        place = Place(n_threads=threads, n_workers=workers, scheduler=scheduler)
        extract_all(known, new, place, progress, Extraction(write, counts))
        _require_some(text or corpus, image, counts)
        for reason, n in sorted(counts.items()):
            typer.echo(f"{n:,} {reason}", err=True)
        if source:
            _write_to_graph(to, spool, known, source, texts=new.has_texts, pictures=new.images is not None)
    if explain:
        _explain(known, explain, content, image, mentions)


def _source(to: str, name: str, known: KnownRun, text: str, image: Path | None, corpus: str) -> Source:
    """Return what is read as the graph shall know it, once it is clear that the graph can take it."""
    from miner.run.mention_graph import check_target, source_of_corpus, source_of_file

    source = source_of_corpus(corpus, known) if corpus else source_of_file(text, image)
    source = source._replace(name=name or source.name)
    check_target(to, known, source, is_named=bool(name))
    return source


def _write_to_graph(to: str, spool: Spool, known: KnownRun, source: Source, *, texts: bool, pictures: bool) -> None:
    from miner.run.mention_graph import write_to_graph

    done = write_to_graph(to, spool, known, source, texts=texts, pictures=pictures)
    if done.n_replaced:
        typer.echo(
            f"{done.n_replaced:,} mentions of an earlier extraction of {done.source!r} were not found again and are gone.",
            err=True,
        )
    typer.echo(
        f"{done.n_mentions:,} mentions are in {to} as {done.source!r}: {done.changes.nodes_created:,} nodes and "
        f"{done.changes.relationships_created:,} relationships are new, {done.changes.nodes_deleted:,} and "
        f"{done.changes.relationships_deleted:,} are gone.",
        err=True,
    )
    if done.n_unlinked:
        typer.echo(
            f"Note: patterns that argue for {done.n_unlinked:,} of them are not in the graph; 'eventminer kb load "
            f"{known.path} --to {to}' brings and joins them.",
            err=True,
        )


def _check_choice(text: str, image: Path | None, corpus: str, explain: Path | None) -> None:
    if bool(text or image) == bool(corpus):
        raise typer.BadParameter("Give either --corpus, or --text, --image or both.")
    if explain and corpus:
        raise typer.BadParameter("--explain draws one text or picture, not a corpus.")
    if explain and explain.suffix.lower() not in {".html", ".png"}:
        raise typer.BadParameter(f"--explain draws .html or .png, not {explain.suffix or explain.name!r}.")


def _note_model(known: KnownRun) -> None:
    from miner.run.extraction import EXTRACTOR, is_stale

    if not (known.path / EXTRACTOR).is_dir():
        typer.echo("Note: the run has no trained model; rules read texts. 'eventminer kb train' trains one.", err=True)
    elif is_stale(known.folder):
        typer.echo("Note: the model was trained with other patterns than the run has now; train it again.", err=True)


def _open(known: KnownRun, corpus: str, counts: Counter[str], *, images: bool) -> NewCorpus:
    """Open a corpus; one that names no pictures is read for its texts alone, and that is said."""
    from corpora.m2e2 import looks_like_m2e2
    from corpora.texts import open_sentences
    from miner.run.extracting import open_to_extract

    if looks_like_m2e2(Path(corpus)):
        return open_sentences(Path(corpus), counts)
    new = open_to_extract(known, corpus, counts, images=images)
    if images and new.images is None:
        typer.echo("Note: the corpus has no column of pictures; its texts are read alone.", err=True)
    return new


def _open_files(text: str, image: Path | None, content: str | None) -> NewCorpus:
    from itertools import chain

    from corpora.texts import NewCorpus
    from miner.run.picture_extraction import one_picture

    parts = _parts(text, content) if text else ()
    if not image:
        return NewCorpus(parts)
    picture = one_picture(image, _text_name(text) if text else "")
    return picture._replace(records=chain(picture.records, parts), has_texts=bool(text))


def _text_name(text: str) -> str:
    return STDIN if text == STDIN else Path(text).name


def _read_text(text: str) -> str:
    if text == STDIN:
        return sys.stdin.read()
    return Path(text).read_text(encoding="utf-8", errors="replace")


def _parts(text: str, content: str | None) -> Iterator[NewRecord]:
    import io

    from corpora.texts import read_file_text

    if content is not None:
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


def _explain(known: KnownRun, path: Path, content: str | None, image: Path | None, mentions: list[Mention]) -> None:
    from PIL import Image

    from miner.config_file import load_config
    from miner.run.extracting import describe_patterns
    from miner.store.formats import write_bytes
    from miner.visual.images import decode_image
    from reports.explanation import Source, explain_page, explain_picture

    picture = None
    if image:
        most = load_config(known.path / "run.toml").visual.max_pixels
        picture = Image.fromarray(decode_image(image.read_bytes(), max_pixels=most).rgb)
    title = image.name if image else "text"
    sources = [Source(title, content, picture, [mention.as_json() for mention in mentions])]
    patterns = describe_patterns(known)
    if path.suffix.lower() == ".png":
        write_bytes(path, explain_picture(sources, patterns))
    else:
        write_bytes(path, explain_page(sources, patterns).encode())
