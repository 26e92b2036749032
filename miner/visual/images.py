"""From the bytes of a file to the upright picture and the network's input.

Whatever a corpus holds under the name of an image gives either a picture or an `ImageError` with a countable code:

| code | what it was |
|---|---|
| `empty-image` | no bytes |
| `not-an-image` | a text file, often an error page saved as a picture |
| `unknown-format` | something else that no decoder knows |
| `huge-image` | more pixels than allowed; nothing was decoded |
| `truncated-image` | the start of an image |
| `corrupt-image` | an image that its decoder refuses |
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from miner.errors import ImageError
from miner.visual.geometry import geometry_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from miner.visual.backbone import Backbone
    from miner.visual.geometry import Box, Geometry, View

Float32 = npt.NDArray[np.float32]

# raster formats only: Pillow's EPS reader starts a program, others have no place in a corpus;
# no JPEG 2000: its decoder holds the interpreter's lock, so no time limit could end it
FORMATS = ("JPEG", "MPO", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "PPM", "TGA", "ICO")

_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG": "PNG",
    b"GIF8": "GIF",
    b"RIFF": "WebP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_JPEG_2000 = (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    zlib.error,
    EOFError,
)
_ORIENTATION_TAG = 0x0112
# EXIF orientation: how to turn, then (axes swapped, mirrored in x, mirrored in y) of the same turn for coordinates
_TURNS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT, (False, True, False)),
    3: (Image.Transpose.ROTATE_180, (False, True, True)),
    4: (Image.Transpose.FLIP_TOP_BOTTOM, (False, False, True)),
    5: (Image.Transpose.TRANSPOSE, (True, False, False)),
    6: (Image.Transpose.ROTATE_270, (True, True, False)),
    7: (Image.Transpose.TRANSVERSE, (True, True, True)),
    8: (Image.Transpose.ROTATE_90, (True, False, True)),
}
_warnings = threading.Lock()


@dataclass(frozen=True)
class DecodedImage:
    """An upright picture.

    Attributes:
        picture: In mode RGB. Smaller than the original where a JPEG was decoded at a reduced scale.
        width: Of the original, in pixels.
        height: Of the original, in pixels.
        extent: Where the original lies in `picture`, as a box of its pixels. A reduced JPEG whose size is no multiple of the
            reduction ends, or after a rotation begins, within a pixel.
        note: What was done to it that a user may want to know.
    """

    picture: Image.Image
    width: int
    height: int
    extent: Box
    note: str | None = None

    @property
    def rgb(self) -> npt.NDArray[np.uint8]:
        """A copy of the pixels of `picture`: uint8, (h, w, 3)."""
        return np.asarray(self.picture)

    def to_pixels(self, box: Box) -> Box:
        """Map a box of the original to pixels of `picture`."""
        width, height = self.picture.size
        x0, y0, x1, y1 = self.extent
        per_x, per_y = (x1 - x0) / self.width, (y1 - y0) / self.height
        # rounding must not lead outside: Pillow refuses such a box
        return (
            max(x0 + box[0] * per_x, 0.0),
            max(y0 + box[1] * per_y, 0.0),
            min(x0 + box[2] * per_x, float(width)),
            min(y0 + box[3] * per_y, float(height)),
        )


def decode_image(data: bytes, *, max_pixels: int, min_side: int | None = None) -> DecodedImage:
    """Decode the bytes of an image file into an upright RGB picture.

    Transparency is laid over white; of an animation the first frame is taken; 16-bit and float samples become 8-bit.

    Args:
        data: Content of the file.
        max_pixels: A picture with more is refused before it is decoded. Pillow itself refuses more than some 179 million.
        min_side: A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size as long as both sides keep this many pixels;
            `None` for full size.

    Raises:
        ImageError: It cannot be used; the code says why.
    """
    if not data:
        raise ImageError("empty-image", "the file is empty")
    picture = _open(data)
    width, height = picture.size
    if width * height > max_pixels:
        raise ImageError("huge-image", f"{width} x {height} pixels; at most {max_pixels} are allowed")
    try:
        return _decode(picture, min_side)
    except Image.DecompressionBombError as error:
        raise ImageError("huge-image", str(error)) from error
    except _DECODER_ERRORS as error:
        raise _refusal(error, data) from error


@contextmanager
def _quietly() -> Iterator[None]:
    """Ignore what Pillow warns of while it reads headers; the filters are global, so one thread at a time."""
    with _warnings, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _open(data: bytes) -> Image.Image:
    """Read the header.

    Raises:
        ImageError: No decoder knows the file.
    """
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    try:
        with _quietly():
            return Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError as error:
        raise ImageError("huge-image", str(error)) from error
    except UnidentifiedImageError as error:
        raise _unidentified(data) from error
    except _DECODER_ERRORS as error:
        raise _refusal(error, data) from error


def _unidentified(data: bytes) -> ImageError:
    """Say what a file that is no readable image looks like."""
    if data.startswith(_JPEG_2000):
        return ImageError(
            "unknown-format", "JPEG 2000 is not read: its decoder cannot be interrupted; save it as JPEG or PNG"
        )
    for signature, name in _SIGNATURES.items():
        if data.startswith(signature):
            return ImageError("truncated-image", f"the header of this {name} file is incomplete")
    start = data[:512].decode("utf-8", errors="ignore")
    if start and len(start.encode()) >= min(len(data), 512) - 3 and (start.isprintable() or _is_lines(start)):
        return ImageError("not-an-image", f"the file is text, it starts with {start.lstrip()[:40]!r}")
    return ImageError("unknown-format", f"no decoder knows this file, it starts with bytes {data[:8].hex(' ')}")


def _is_lines(text: str) -> bool:
    return "".join(text.split()).isprintable()


def _refusal(error: Exception, data: bytes) -> ImageError:
    """Turn what a decoder raised into a countable reason."""
    message = str(error) or type(error).__name__
    if isinstance(error, EOFError) or "truncated" in message.lower() or _is_cut_webp(data):
        return ImageError("truncated-image", message)
    return ImageError("corrupt-image", message)


def _is_cut_webp(data: bytes) -> bool:
    """Say whether a WebP file is shorter than it says; its decoder does not tell."""
    return data.startswith(b"RIFF") and int.from_bytes(data[4:8], "little") + 8 > len(data)


def _decode(picture: Image.Image, min_side: int | None) -> DecodedImage:
    with _quietly():
        note = _describe_frames(picture)
    size = picture.size
    reduced = None if min_side is None else picture.draft(None, (min_side, min_side))
    # TIFF tags are still read, and warned of, while the samples load
    with _quietly() if picture.format == "TIFF" else nullcontext():
        picture.load()
    if reduced is None:
        size = picture.size  # a TIFF file turns itself while it loads
    stored: Box = (0.0, 0.0, *size) if reduced is None else reduced[1]
    orientation = _read_orientation(picture)
    rgb = _to_rgb(picture)
    if orientation not in _TURNS:
        return DecodedImage(rgb, *size, stored, note)
    turn, (swapped, *mirrored) = _TURNS[orientation]
    turned = rgb.transpose(turn)
    extent = _turn_box(stored, turned.size, swapped=swapped, mirrored=mirrored)
    width, height = reversed(size) if swapped else size
    return DecodedImage(turned, width, height, extent, note)


def _describe_frames(picture: Image.Image) -> str | None:
    """Note that there are more frames than the one that is used; a camera's second view (MPO) is not worth a word."""
    n_frames = int(getattr(picture, "n_frames", 1))
    if n_frames == 1 or picture.format == "MPO":
        return None
    return f"first of {n_frames} frames"


def _read_orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation; damaged EXIF data count as none."""
    try:
        with _quietly():
            return int(picture.getexif().get(_ORIENTATION_TAG, 1))
    except _DECODER_ERRORS:
        return 1


def _turn_box(box: Box, size: tuple[int, int], *, swapped: bool, mirrored: list[bool]) -> Box:
    """Turn a box as the picture was turned; `size` is that after the turn."""
    x0, y0, x1, y1 = (box[1], box[0], box[3], box[2]) if swapped else box
    if mirrored[0]:
        x0, x1 = size[0] - x1, size[0] - x0
    if mirrored[1]:
        y0, y1 = size[1] - y1, size[1] - y0
    return (x0, y0, x1, y1)


def _to_rgb(picture: Image.Image) -> Image.Image:
    """Convert any mode to RGB."""
    if picture.mode in {"I", "F"} or picture.mode.startswith("I;16"):
        picture = _to_8_bit(picture)
    if picture.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in picture.info:
        over = picture.convert("RGBA")
        white = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(white, over).convert("RGB")
    # converting a picture into its own mode would copy it
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _to_8_bit(picture: Image.Image) -> Image.Image:
    """Bring wide samples to 0-255 by the range of their type, or their own range where the type has none in use."""
    samples = np.nan_to_num(np.asarray(picture, dtype=np.float64), posinf=0.0, neginf=0.0)
    low, high = float(samples.min()), float(samples.max())
    if picture.mode != "F" and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    scaled = (samples - low) * (255.0 / max(high - low, 1e-9))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def cut(image: DecodedImage, backbone: Backbone, view: View = "centre") -> tuple[npt.NDArray[np.uint8], Geometry]:
    """Bring a picture to the size of a network's input.

    It is resized in one step and without rounding any side, so that the geometry is exact; where the view leaves bars, they
    have the colour that the network takes for 0.

    Args:
        image: The picture.
        backbone: The network.
        view: What of the picture is seen (see `geometry_of`).

    Returns:
        uint8, (S, S, 3), and where its places lie in the original.
    """
    size = backbone.input_size
    geometry = geometry_of(image.width, image.height, backbone, view)
    begin = -backbone.offset
    box = image.to_pixels(geometry.to_original((begin, begin, begin + size, begin + size)))
    x0, x1 = _shown(-geometry.left / geometry.scale - begin, image.width / geometry.scale, size)
    y0, y1 = _shown(-geometry.top / geometry.scale_down - begin, image.height / geometry.scale_down, size)
    shown = image.picture.resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR, box=box)
    if shown.size != (size, size):
        red, green, blue = (round(value) for value in backbone.mean)
        canvas = Image.new("RGB", (size, size), (red, green, blue))
        canvas.paste(shown, (x0, y0))
        shown = canvas
    return np.asarray(shown), geometry


def _shown(start: float, length: float, size: int) -> tuple[int, int]:
    """Return from where to where along the input a picture is shown; bars are whole pixels."""
    return max(0, round(start)), min(size, round(start + length))


def normalise(pixels: npt.NDArray[np.uint8], backbone: Backbone, out: npt.NDArray[np.float32] | None = None) -> Float32:
    """Turn pixels into the input of a network.

    Args:
        pixels: uint8, (n, S, S, 3).
        backbone: The network.
        out: Where to put the result; none for a new array.

    Returns:
        float32, (n, 3, S, S).
    """
    planes = pixels.transpose(0, 3, 1, 2)
    mean, std = (np.array(values, np.float32).reshape(3, 1, 1) for values in (backbone.mean, backbone.std))
    found = np.subtract(planes, mean, out=np.empty(planes.shape, np.float32) if out is None else out)
    return np.divide(found, std, out=found)


def fit(image: DecodedImage, backbone: Backbone) -> tuple[Float32, Geometry]:
    """Make a picture the input of a network: `cut` and `normalise`.

    Returns:
        float32, (3, S, S), and where its places lie in the original.
    """
    pixels, geometry = cut(image, backbone)
    return normalise(pixels[None], backbone)[0], geometry
