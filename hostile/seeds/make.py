"""Makes the pictures and arrays here: small, each with another feature of its format. Needs Pillow and numpy."""

import pathlib
import struct
import zlib

import numpy
from PIL import Image, PngImagePlugin

here = pathlib.Path(__file__).parent
y, x = numpy.mgrid[0:17, 0:23]
rgb = numpy.stack([x * 11, y * 15, (x * y) % 256], -1).astype(numpy.uint8)
picture = Image.fromarray(rgb)
grey = picture.convert("L")

picture.save(here / "baseline.jpg", quality=60)
picture.save(here / "progressive.jpg", quality=60, progressive=True)
picture.save(here / "sampled.jpg", quality=60, subsampling="4:4:4", optimize=True)
picture.save(here / "restart.jpg", quality=60, restart_marker_blocks=1)
grey.save(here / "grey.jpg", quality=60)
picture.convert("CMYK").save(here / "cmyk.jpg", quality=60)
exif = Image.Exif()
exif[0x0112] = 6
picture.save(here / "turned.jpg", quality=60, exif=exif, icc_profile=b"profile" * 20, comment=b"a comment")

picture.save(here / "rgb.png")
picture.convert("RGBA").save(here / "rgba.png")
picture.quantize(16).save(here / "palette.png", transparency=3)
grey.save(here / "grey.png", transparency=7)
picture.convert("1").save(here / "bits.png")
Image.fromarray((numpy.asarray(grey, numpy.uint16) * 257)).save(here / "deep.png")
notes = PngImagePlugin.PngInfo()
notes.add_text("Title", "a text")
notes.add_text("Long", "a text " * 50, zip=True)
notes.add_itxt("Other", "\u00e9", lang="fr", zip=True)
picture.save(here / "notes.png", pnginfo=notes, exif=exif, icc_profile=b"profile" * 20, dpi=(72, 72))
picture.save(here / "animated.png", save_all=True, append_images=[picture.rotate(90, expand=False)], duration=40)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# Adam7, which Pillow does not write.
rows = b""
for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
    for row in rgb[y0::dy, x0::dx]:
        rows += b"\0" + row.tobytes()
header = struct.pack(">IIBBBBB", 23, 17, 8, 2, 0, 0, 1)
(here / "interlaced.png").write_bytes(
    b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
)

values = numpy.arange(60, dtype="<f4").reshape(3, 4, 5)
numpy.save(here / "image.npy", values)
numpy.save(here / "vector.npy", values.reshape(-1)[:7])
numpy.save(here / "fortran.npy", numpy.asfortranarray(values))
with open(here / "version_2.npy", "wb") as file:
    numpy.lib.format.write_array(file, values[:1], version=(2, 0))
