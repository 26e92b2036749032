from __future__ import annotations

import io
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

from miner.config import VisualConfig
from miner.errors import BackboneError, ConfigError, CorpusError, ImageError
from miner.visual import prepare
from miner.visual.activations import Activations, Maps, summarise
from miner.visual.backbone import BACKBONES
from miner.visual.encode import IMAGES, EncodedShard, encode_images, encode_shard, join_images
from miner.visual.engine import TorchEngine
from miner.visual.groups import photo_groups
from miner.visual.registry import load_backbone
from tests.pictures import MemorySource, agreement, draw_scene, encode_files, huge_png, photographs, to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from miner.visual.activations import Float32

CONFIG = VisualConfig(n_dims=32, max_pixels=1_000_000)


class Failing(MemorySource):
    """Fails as no source should."""

    def open(self, image: str) -> bytes:
        if image == "odd":
            raise ZeroDivisionError("a bug")
        if image == "refused":
            raise ImageError("path-outside", "leads out of the corpus")
        if image == "locked":
            raise PermissionError("no entry")
        return super().open(image)


def table(files: Mapping[str, object]) -> pa.Table:
    return pa.table({"record": [f"r-{name}" for name in files], "image": list(files)})


@cache
def scenes(n: int = 20) -> dict[str, bytes]:
    return {f"{seed}.jpg": to_bytes(draw_scene(seed, (320, 240)), "JPEG", quality=92) for seed in range(n)}


@cache
def encoded(n: int = 20) -> EncodedShard:
    return encode_shard(table(scenes(n)), MemorySource(scenes(n)), CONFIG, kind="onnx")


def content(shard: EncodedShard) -> list[bytes]:
    activations = shard.activations
    arrays = (activations.maxima, activations.cells, activations.pooled, activations.projected)
    return [array.tobytes() for array in arrays]


def test_encode_gives_a_row_per_record_and_per_picture() -> None:
    shard = encoded()
    assert shard.images.schema == IMAGES
    assert shard.images["record"].to_pylist() == [f"r-{seed}.jpg" for seed in range(20)]
    assert shard.images["row"].to_pylist() == list(range(20))
    assert set(shard.images["status"].to_pylist()) == {"ok"}
    assert {len(digits) for digits in shard.images["phash"].to_pylist()} == {16}
    assert shard.activations.maxima.shape == (20, 2280)
    assert shard.activations.cells.shape == (20, 2280)
    assert shard.activations.pooled.shape == (20, 1280)
    assert shard.activations.projected.shape == (20, 49, 32)
    assert int(shard.activations.cells.max()) <= 48


def test_encode_reports_its_time_by_part() -> None:
    assert set(encoded().elapsed_s) == {"read", "decode", "cut", "hash", "network"}
    assert min(encoded().elapsed_s.values()) > 0


def test_encode_turns_each_bad_image_into_a_row() -> None:
    """Every kind at once, among good ones whose arrays are those they have without bad neighbours."""
    good = scenes(2)
    scene = good["0.jpg"]
    grey16 = Image.fromarray(np.arange(64 * 48, dtype=np.uint16).reshape(48, 64) * 20)
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [draw_scene(seed, (64, 48)) for seed in (1, 2)]
    files = {
        "0.jpg": scene,
        "empty": b"",
        "cut": scene[:-900],
        "text.jpg": b"<html>not found</html>",
        "noise": b"\x01\x02\x03" * 200,
        "huge.png": huge_png(60_000, 60_000),
        "over.png": to_bytes(Image.new("RGB", (1001, 1000))),
        "cmyk.jpg": to_bytes(draw_scene(4).convert("CMYK"), "JPEG"),
        "palette.png": to_bytes(draw_scene(5, (64, 48)).convert("P")),
        "deep.png": to_bytes(grey16),
        "moving.gif": to_bytes(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "turned.jpg": to_bytes(draw_scene(6), "JPEG", exif=exif),
        "1.jpg": good["1.jpg"],
    }
    names = [*files, "gone", "odd", "refused", "locked"]
    shard = encode_shard(table(dict.fromkeys(names)), Failing(files), CONFIG, kind="onnx")
    rows = {row["record"][2:]: row for row in shard.images.to_pylist()}
    assert {name: row["code"] for name, row in rows.items() if row["status"] == "bad"} == {
        "empty": "empty-image",
        "cut": "truncated-image",
        "text.jpg": "not-an-image",
        "noise": "unknown-format",
        "huge.png": "huge-image",
        "over.png": "huge-image",
        "gone": "missing-image",
        "odd": "unexpected-error",
        "refused": "path-outside",
        "locked": "unreadable-image",
    }
    assert all(row["reason"] and row["row"] is None for row in rows.values() if row["status"] == "bad")
    usable = [name for name in names if rows[name]["status"] == "ok"]
    assert [rows[name]["row"] for name in usable] == list(range(7))
    assert rows["moving.gif"]["note"] == "first of 2 frames"
    assert (rows["turned.jpg"]["width"], rows["turned.jpg"]["height"]) == (360, 480)
    assert np.array_equal(shard.activations.maxima[[0, 6]], encoded().activations.maxima[:2])


def test_encode_gives_up_an_image_that_takes_too_long_and_goes_on() -> None:
    files = {"slow": to_bytes(Image.new("RGB", (7000, 7000))), **scenes(2)}
    config = CONFIG.model_copy(update={"max_pixels": 10**8, "max_seconds": 0.1})
    images = encode_shard(table(files), MemorySource(files), config, kind="onnx").images
    assert images["code"].to_pylist() == ["slow-image", None, None]
    assert images["reason"][0].as_py() == "decoding was given up: it took longer than 0.1 s"
    assert images["row"].to_pylist() == [None, 0, 1]


def test_encode_stops_when_too_many_images_keep_their_decoders_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """No real file is known that decodes without end, so a decoder that does is put in the place of ours."""
    end = threading.Event()

    def decode(data: bytes, **_limits: int) -> object:
        while not end.is_set():
            pass
        raise ImageError("unknown-format", str(len(data)))

    monkeypatch.setattr(prepare, "decode_image", decode)
    config = CONFIG.model_copy(update={"max_seconds": 0.05})
    try:
        with pytest.raises(
            CorpusError, match=r"5 records keep their decoders busy without end: .*'r-0.jpg', 'r-1.jpg'"
        ):
            encode_shard(table(scenes(6)), MemorySource(scenes(6)), config, kind="onnx")
    finally:
        end.set()


def test_encode_passes_bad_records_with_their_own_reason() -> None:
    """The image of a record that is already bad is not even opened."""
    rows = pa.table(
        {
            "record": ["a", "b", "c"],
            "image": ["0.jpg", "nowhere", None],
            "status": ["ok", "bad", "ok"],
            "code": [None, "duplicate-id", None],
            "reason": [None, "a second record has this id", None],
        }
    )
    shard = encode_shard(rows, MemorySource(scenes()), CONFIG, kind="onnx")
    found = [(row["status"], row["code"], row["reason"]) for row in shard.images.to_pylist()]
    assert found == [
        ("ok", None, None),
        ("bad", "duplicate-id", "a second record has this id"),
        ("bad", "missing-image", "the record names no image"),
    ]


def test_encode_of_no_usable_picture_has_empty_arrays() -> None:
    shard = encode_shard(table({"x": b""}), MemorySource(), CONFIG, kind="onnx")
    assert shard.activations.maxima.shape == (0, 2280)
    assert shard.activations.projected.shape == (0, 49, 32)
    empty = encode_shard(table({}), MemorySource(), CONFIG, kind="onnx")
    assert (len(empty.images), len(empty.activations.cells)) == (0, 0)


def test_encode_bytes_do_not_depend_on_threads_or_on_how_records_are_cut() -> None:
    source, rows = MemorySource(scenes()), table(scenes())
    cuts = [rows.slice(0, 5), rows.slice(5, 10), rows.slice(15, 5)]
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(lambda part: encode_shard(part, source, CONFIG, kind="onnx"), cuts))
    joined = [b"".join(arrays) for arrays in zip(*map(content, parts), strict=True)]
    assert joined == content(encoded())
    assert join_images([part.images for part in parts]).equals(encoded().images)


def test_encode_leaves_the_number_of_blas_threads_as_it_was() -> None:
    def blas() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = blas()
    encode_shard(table(scenes(1)), MemorySource(scenes(1)), CONFIG, kind="onnx")
    assert blas() == before


def test_encode_joins_tables_by_shifting_rows() -> None:
    schema_row = dict.fromkeys(IMAGES.names)
    first = [schema_row | {"record": "a", "status": "ok", "row": 0}, schema_row | {"record": "b", "status": "bad"}]
    second = [schema_row | {"record": "c", "status": "ok", "row": 0}]
    tables = [pa.Table.from_pylist(rows, schema=IMAGES) for rows in (first, second)]
    assert join_images(tables)["row"].to_pylist() == [0, None, 1]
    assert len(join_images([])) == 0


class Recording:
    """An engine that sees nothing and notes the shapes of its batches."""

    label = "recording"
    backbone = load_backbone("efficientnet-lite0")

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self.summarised: list[tuple[int, ...]] = []
        self.looked_at: list[tuple[int, ...]] = []

    def forward(self, batch: Float32) -> Maps:
        self.looked_at.append(batch.shape)
        return self._blank(len(batch))

    def summarise(self, pixels: npt.NDArray[np.uint8], projection: Float32) -> Activations:
        self.summarised.append(pixels.shape)
        return summarise(self._blank(len(pixels)), projection)

    def _blank(self, n: int) -> Maps:
        return Maps(*(np.zeros((n, items, 7, 7), np.float32) for items in (1280, 1000)))


def test_encode_fires_the_same_items_with_both_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the CPU of this machine; tests/integration/test_gpu.py does the same on a GPU."""
    monkeypatch.setattr(TorchEngine, "batch_size", 8)
    files = photographs(32)
    one, other = encode_files(files, "onnx"), encode_files(files, "torch")
    assert one.device.split()[0] != other.device.split()[0]
    assert min(agreement(one, other)) >= 0.999


def test_encode_runs_batches_of_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last is filled up: on an accelerator the number of pictures decides how sums are made."""
    engine = Recording(16)
    monkeypatch.setattr("miner.visual.encode.shared_engine", lambda *_: engine)
    shard = encode_shard(table(scenes()), MemorySource(scenes()), CONFIG)
    assert engine.summarised == [(16, 224, 224, 3)] * 2
    assert engine.looked_at == []
    assert len(shard.activations.maxima) == 20
    assert len(list(encode_images(table(scenes()), MemorySource(scenes()), CONFIG))) == 20
    assert engine.looked_at == [(16, 3, 224, 224)] * 2


def test_encode_runs_the_network_once_for_each_picture_with_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between bars five of the six shapes: three batches of two, one of them filled up, and one for the square."""
    engine = Recording(2)
    monkeypatch.setattr("miner.visual.encode.shared_engine", lambda *_: engine)
    config = CONFIG.model_copy(update={"view": "letterbox"})
    shard = encode_shard(table(shapes()), MemorySource(shapes()), config)
    assert engine.summarised == [(2, 224, 224, 3)]
    assert engine.looked_at == [(2, 3, 224, 224)] * 3
    assert len(shard.activations.maxima) == 6


def test_encode_images_gives_the_maps_that_shards_summarise() -> None:
    """More than one batch, with a picture of no use in the middle."""
    names = dict.fromkeys([*list(scenes())[:17], "empty", *list(scenes())[17:]])
    found = list(encode_images(table(names), MemorySource({**scenes(), "empty": b""}), CONFIG, kind="onnx"))
    assert len(found) == 20
    assert [item.index for item in found] == [*range(17), 18, 19, 20]
    maxima = np.stack([item.maps.max(axis=(1, 2)) for item in found]).astype(np.float16)
    assert np.array_equal(maxima, encoded().activations.maxima[:, :1280])
    assert found[17].record == "r-17.jpg"
    assert found[0].geometry.cell_box(0) == (55, 15, 85, 45)


def test_encode_images_says_what_it_leaves_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert not list(encode_images(table({"empty": b""}), MemorySource({"empty": b""}), CONFIG, kind="onnx"))
    assert "r-empty is left out" in caplog.text


def test_encode_images_does_not_go_on_without_an_image_that_was_there() -> None:
    rows = table({"gone": b""})
    with pytest.raises(CorpusError, match="Record r-gone: no image 'gone', though it was readable when the run began"):
        list(encode_images(rows, MemorySource(), CONFIG, kind="onnx"))
    bad = rows.append_column("status", [["bad"]])
    assert not list(encode_images(bad, MemorySource(), CONFIG, kind="onnx"))


def test_encode_finds_a_thing_in_its_cell() -> None:
    """A detailed thing on plain ground: filters that it moves most have their maximum where it is."""
    ground = Image.new("RGB", (512, 512), (120, 120, 120))
    with_thing = ground.copy()
    with_thing.paste(draw_scene(2, (110, 110)), (70, 330))
    files = {"plain": to_bytes(ground), "thing": to_bytes(with_thing)}
    plain, thing = encode_images(table(files), MemorySource(files), CONFIG, kind="onnx")
    gain = (thing.maps - plain.maps).clip(0).sum(axis=0)
    x0, y0, x1, y1 = thing.geometry.cell_box(int(gain.argmax()))
    assert x0 < 180
    assert x1 > 70
    assert y0 < 440
    assert y1 > 330


def test_encode_groups_copies_of_a_scene_and_nothing_else() -> None:
    """Larger and re-encoded copies of four scenes among sixteen others."""
    files = dict(scenes())
    for seed in range(4):
        scene = Image.open(io.BytesIO(files[f"{seed}.jpg"]))
        files[f"{seed}-large"] = to_bytes(scene.resize((480, 360)), "JPEG", quality=92)
        files[f"{seed}-again"] = to_bytes(scene, "JPEG", quality=60)
    shard = encode_shard(table(files), MemorySource(files), CONFIG, kind="onnx")
    pooled = shard.activations.pooled
    groups = photo_groups(shard.images["phash"].to_pylist(), pooled, max_bits=10, min_cosine=0.87)
    copies = [seed for seed in range(4) for _ in range(2)]
    assert groups.tolist() == [*range(20), *copies]


def test_encode_refuses_an_unknown_backbone_and_too_many_dimensions() -> None:
    rows, source = table({}), MemorySource()
    with pytest.raises(BackboneError, match="known: alexnet-pool5, efficientnet-lite0"):
        encode_shard(rows, source, VisualConfig(backbone="vgg"), kind="onnx")
    with pytest.raises(ConfigError, match="at most that many"):
        encode_shard(rows, source, VisualConfig(n_dims=1281), kind="onnx")


def test_encode_refuses_classes_of_a_network_without_a_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = replace(load_backbone("efficientnet-lite0"), name="bare", classifier=None)
    monkeypatch.setattr("miner.visual.registry.BACKBONES", {**BACKBONES, "bare": bare})
    cfg = VisualConfig(backbone="bare", items="classes")
    with pytest.raises(ConfigError, match=r'visual\.items is "classes"; bare has no classifier') as raised:
        encode_shard(table({}), MemorySource(), cfg, kind="onnx")
    assert raised.value.hint == 'set visual.items to "filters"'


@cache
def shapes() -> dict[str, bytes]:
    """Pictures of all proportions, wide and tall ones with bars among those without."""
    sizes = [(320, 240), (640, 160), (240, 240), (100, 400), (900, 60), (240, 320)]
    return {f"{n}.jpg": to_bytes(draw_scene(n, size), "JPEG", quality=92) for n, size in enumerate(sizes)}


@pytest.mark.parametrize("view", ["letterbox", "whole"])
def test_encode_of_whole_pictures_does_not_depend_on_neighbours_either(view: str) -> None:
    source, rows = MemorySource(shapes()), table(shapes())
    config = CONFIG.model_copy(update={"view": view})
    cuts = [rows.slice(0, 1), rows.slice(1, 2), rows.slice(3, 3)]
    parts = [content(encode_shard(part, source, config, kind="onnx")) for part in cuts]
    whole = content(encode_shard(rows, source, config, kind="onnx"))
    assert [b"".join(arrays) for arrays in zip(*parts, strict=True)] == whole
    assert whole != content(encode_shard(rows, source, CONFIG, kind="onnx"))


def test_encode_never_finds_an_item_on_a_bar() -> None:
    """900 x 60 between bars: only the fourth row of cells shows the picture, and what it shows counts alone."""
    files = {"wide": shapes()["4.jpg"]}
    config = CONFIG.model_copy(update={"view": "letterbox"})
    found = encode_shard(table(files), MemorySource(files), config, kind="onnx").activations
    assert set((found.cells[0] // 7).tolist()) == {3}
    (image,) = encode_images(table(files), MemorySource(files), config, kind="onnx")
    assert image.geometry.seen == (range(3, 4), range(7))
    assert np.allclose(image.maps.mean(axis=(1, 2)), found.pooled[0], atol=2e-2)
    assert np.array_equal(image.maps.max(axis=(1, 2)).astype(np.float16), found.maxima[0, :1280])
    assert np.array_equal(found.projected[0, :7], found.projected[0, 21:28])


def test_encode_of_a_whole_picture_sees_what_stands_at_its_sides() -> None:
    """A thing at the left edge of a picture twice as wide as high, which the centre does not show."""
    ground = Image.new("RGB", (1024, 512), (120, 120, 120))
    with_thing = ground.copy()
    with_thing.paste(draw_scene(2, (110, 110)), (10, 330))
    files = {"plain": to_bytes(ground), "thing": to_bytes(with_thing)}
    for view, is_seen in (("centre", False), ("whole", True), ("letterbox", True)):
        config = CONFIG.model_copy(update={"view": view, "max_pixels": 10**7})
        plain, thing = encode_images(table(files), MemorySource(files), config, kind="onnx")
        gain = (thing.maps - plain.maps).clip(0).sum(axis=0)
        assert (gain.max() > 1) == is_seen
        if is_seen:
            _, y0, x1, y1 = thing.geometry.cell_box(int(gain.argmax()))
            # within one cell of the thing
            assert x1 <= 1024 / 7 * 2 + 1
            assert y0 < 440
            assert y1 > 330 - 512 / 7
