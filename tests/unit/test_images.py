from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest
from PIL import Image

from miner.errors import ImageError
from miner.visual.images import DecodedImage, decode_image, fit
from miner.visual.registry import load_backbone
from tests.pictures import draw_scene, huge_png, to_bytes

LITE0 = load_backbone("efficientnet-lite0")
MAX_PIXELS = 100_000_000


def decode(data: bytes, *, min_side: int | None = None) -> DecodedImage:
    return decode_image(data, max_pixels=MAX_PIXELS, min_side=min_side)


def refusal(data: bytes, *, max_pixels: int = MAX_PIXELS) -> ImageError:
    with pytest.raises(ImageError) as raised:
        decode_image(data, max_pixels=max_pixels)
    return raised.value


def halves(left: object, right: object, mode: str = "RGB", size: tuple[int, int] = (40, 20)) -> Image.Image:
    """Return a picture whose left half has one colour and whose right half another."""
    picture = Image.new(mode, size, right)  # type: ignore[arg-type]
    picture.paste(left, (0, 0, size[0] // 2, size[1]))  # type: ignore[arg-type]
    return picture


def colours(image: DecodedImage) -> list[list[int]]:
    """Return the colours in the middle of the left and the right half."""
    height, width = image.rgb.shape[:2]
    return [image.rgb[height // 2, width // 4].tolist(), image.rgb[height // 2, 3 * width // 4].tolist()]


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        (b"", "empty-image", "empty"),
        (b"<!DOCTYPE html>\n<title>404 Not Found</title>", "not-an-image", "DOCTYPE"),
        ("Straßenfest, größer als je zuvor".encode(), "not-an-image", "Straßenfest"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "unknown-format", "00 00 00 18 66 74 79 70"),
        (b"\x00" * 600, "unknown-format", "00 00"),
        (to_bytes(draw_scene(0), "JPEG")[:20], "truncated-image", "JPEG"),
        (to_bytes(draw_scene(0), "JPEG")[:-4000], "truncated-image", "truncated"),
        (to_bytes(draw_scene(0), "PNG")[:12], "truncated-image", "PNG"),
        (to_bytes(draw_scene(0), "PNG")[:-3000], "truncated-image", "truncated"),
        (to_bytes(draw_scene(0), "WEBP")[:500], "truncated-image", "decoder"),
        (huge_png(100_000, 100_000), "huge-image", "10000000000 pixels"),
        (huge_png(12_000, 12_000), "huge-image", "12000 x 12000 pixels; at most 100000000"),
    ],
)
def test_images_of_no_use_are_refused_with_a_reason(data: bytes, code: str, reason: str) -> None:
    error = refusal(data)
    assert (error.code, reason in error.message) == (code, True), error.message


def test_images_with_more_pixels_than_allowed_are_refused() -> None:
    data = to_bytes(draw_scene(0, (100, 50)))
    assert refusal(data, max_pixels=4999).code == "huge-image"
    assert decode_image(data, max_pixels=5000).width == 100


def test_images_damaged_inside_are_refused() -> None:
    data = bytearray(to_bytes(draw_scene(0), "PNG"))
    data[len(data) // 2] ^= 0xFF
    assert refusal(bytes(data)).code in {"corrupt-image", "truncated-image"}


def test_images_of_a_format_that_starts_programs_are_refused() -> None:
    postscript = to_bytes(Image.new("RGB", (20, 20)), "EPS")
    assert refusal(postscript).code in {"not-an-image", "unknown-format"}


def test_images_of_a_size_pillow_warns_of_do_not_warn() -> None:
    """Pillow warns of more than 89 million pixels; the limit here is another, so nothing is said."""
    data = huge_png(10_000, 9_500)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert refusal(data).code == "truncated-image"


def test_images_of_plain_formats_keep_their_colours() -> None:
    picture = halves((200, 30, 40), (20, 60, 220))
    for form in ("PNG", "BMP", "TIFF", "PPM"):
        image = decode(to_bytes(picture, form))
        assert colours(image) == [[200, 30, 40], [20, 60, 220]], form
        assert (image.width, image.height, image.note) == (40, 20, None)


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_images_of_lossy_formats_keep_their_colours_nearly(form: str) -> None:
    found = colours(decode(to_bytes(halves((200, 30, 40), (20, 60, 220), size=(64, 32)), form, quality=95)))
    assert np.abs(np.array(found) - [[200, 30, 40], [20, 60, 220]]).max() <= 12


def test_images_in_cmyk_become_rgb() -> None:
    picture = halves((255, 0, 0), (255, 255, 255), size=(64, 32)).convert("CMYK")
    left, right = colours(decode(to_bytes(picture, "JPEG", quality=95)))
    assert left[0] > 240
    assert max(left[1:]) < 20
    assert min(right) > 240


def test_images_with_a_palette_become_rgb() -> None:
    picture = halves((200, 30, 40), (20, 60, 220)).convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
    assert colours(decode(to_bytes(picture))) == [[200, 30, 40], [20, 60, 220]]


def test_images_of_one_bit_and_grey_become_rgb() -> None:
    assert colours(decode(to_bytes(halves(0, 255, "1")))) == [[0] * 3, [255] * 3]
    assert colours(decode(to_bytes(halves(50, 180, "L")))) == [[50] * 3, [180] * 3]


def test_images_of_16_bits_keep_their_range() -> None:
    """65535 * 100 / 255 = 25700: a sample of 16 bits that stands for 100."""
    samples = np.full((20, 40), 25700, np.uint16)
    samples[:, 20:] = 65535
    assert colours(decode(to_bytes(Image.fromarray(samples)))) == [[100] * 3, [255] * 3]


def test_images_of_float_samples_are_stretched() -> None:
    samples = np.full((20, 40), -0.5, np.float32)
    samples[:, 20:] = 1.5
    samples[0, 0] = np.nan
    assert colours(decode(to_bytes(Image.fromarray(samples), "TIFF"))) == [[0] * 3, [255] * 3]


def test_images_with_transparency_lie_over_white() -> None:
    clear, half = (10, 20, 30, 0), (0, 0, 0, 128)
    assert colours(decode(to_bytes(halves(clear, half, "RGBA")))) == [[255] * 3, [127] * 3]
    assert colours(decode(to_bytes(halves((10, 0), (10, 255), "LA")))) == [[255] * 3, [10] * 3]


def test_images_with_a_transparent_palette_colour_lie_over_white() -> None:
    picture = halves(0, 1, "P")
    picture.putpalette([200, 30, 40, 20, 60, 220])
    assert colours(decode(to_bytes(picture, transparency=0))) == [[255] * 3, [20, 60, 220]]


def test_images_that_move_give_their_first_frame_and_a_note() -> None:
    frames = [Image.new("RGB", (40, 20), colour) for colour in ((250, 0, 0), (0, 250, 0), (0, 0, 250))]
    data = to_bytes(frames[0], "GIF", save_all=True, append_images=frames[1:])
    image = decode(data)
    assert image.note == "first of 3 frames"
    assert colours(image)[0] == [250, 0, 0]


def test_images_from_cameras_with_two_views_have_no_note() -> None:
    data = to_bytes(draw_scene(0), "MPO", save_all=True, append_images=[draw_scene(1)])
    assert decode(data).note is None


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright(form: str, orientation: int) -> None:
    """The same picture, stored in each of the eight ways, comes back as one."""
    upright = halves((200, 30, 40), (20, 60, 220), size=(64, 32))
    upright.paste((250, 250, 0), (0, 0, 32, 8))
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = upright.transpose(Image.Transpose(back[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if form == "JPEG" else {"lossless": True} if form == "WEBP" else {}
    image = decode(to_bytes(stored, form, exif=exif, **options), min_side=None)
    assert (image.width, image.height) == (64, 32)
    assert np.abs(image.rgb.astype(int) - np.asarray(upright)).mean() < 3


def test_images_with_damaged_exif_stay_as_they_are() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = to_bytes(draw_scene(0), "JPEG", exif=exif)
    assert decode(data).width == 360
    cut = data.replace(b"MM\x00*\x00\x00\x00\x08\x00\x01", b"MM\x00*\x00\x00\x00\x08\x00\xff")
    assert cut != data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decode(cut)


def test_images_of_large_jpegs_are_decoded_at_a_reduced_size() -> None:
    image = decode(to_bytes(draw_scene(0, (2203, 1601)), "JPEG"), min_side=512)
    assert image.rgb.shape == (801, 1102, 3)
    assert (image.width, image.height) == (2203, 1601)
    assert image.extent == (0, 0, 1101.5, 800.5)


@pytest.mark.parametrize(
    ("orientation", "extent"),
    [
        (1, (0, 0, 1101.5, 800.5)),
        (2, (0.5, 0, 1102, 800.5)),
        (3, (0.5, 0.5, 1102, 801)),
        (4, (0, 0.5, 1101.5, 801)),
        (5, (0, 0, 800.5, 1101.5)),
        (6, (0.5, 0, 801, 1101.5)),
        (7, (0.5, 0.5, 801, 1102)),
        (8, (0, 0.5, 800.5, 1102)),
    ],
)
def test_images_turned_and_reduced_keep_the_place_of_the_half_pixel(orientation: int, extent: object) -> None:
    """Stored right and bottom edges end half a reduced pixel early; turning the picture moves them."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode(to_bytes(Image.new("RGB", (2203, 1601)), "JPEG", exif=exif), min_side=512)
    assert image.extent == extent
    assert (image.width, image.height) == ((2203, 1601) if orientation < 5 else (1601, 2203))


def test_images_reduced_or_not_look_the_same_to_the_network() -> None:
    data = to_bytes(draw_scene(0, (2203, 1601)), "JPEG", quality=95)
    full, _ = fit(decode(data), LITE0)
    reduced, _ = fit(decode(data, min_side=512), LITE0)
    assert np.abs(full - reduced).mean() < 0.01


def test_images_fit_the_centre_of_the_scaled_picture() -> None:
    """Scaling the short side to 256 and cutting out 224, by Pillow, gives the same input up to a sub-pixel."""
    scene = draw_scene(3, (512, 384))
    pixels, _ = fit(decode(to_bytes(scene)), LITE0)
    scaled = scene.resize((341, 256), Image.Resampling.BILINEAR)
    cut = np.asarray(scaled.crop((58, 16, 282, 240)), np.float32).transpose(2, 0, 1)
    assert pixels.dtype == np.float32
    assert pixels.shape == (3, 224, 224)
    assert np.abs(pixels - (cut - 127) / 128).mean() < 0.02


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 7), (9000, 40)])
def test_images_of_extreme_shape_fit(size: tuple[int, int]) -> None:
    pixels, geometry = fit(decode(to_bytes(Image.new("RGB", size, (255, 127, 63)))), LITE0)
    assert np.allclose(pixels.reshape(3, -1).T, [1.0, 0.0, -0.5])
    assert geometry.to_original((0, 0, 224, 224))[0] >= 0


def test_images_decode_the_same_in_threads() -> None:
    files = [to_bytes(draw_scene(seed, (200, 150)), "JPEG") for seed in range(8)]
    expected = [decode(data).rgb for data in files]
    found: dict[int, bool] = {}

    def work(start: int) -> None:
        for place in range(start, 8, 2):
            found[place] = np.array_equal(decode(files[place]).rgb, expected[place])

    threads = [threading.Thread(target=work, args=(start,)) for start in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(range(8), True)
