"""Writes test/fixtures/photographs.json: JPEG files by Pillow with the grey (ITU-R BT.601) of the colours that libjpeg reads from them, pictures
resized by Pillow (BICUBIC, float32), and the degradation of §3.4 by Pillow and OpenCV.
Run: python test/oracles/photographs.py (numpy, Pillow, opencv-python-headless)."""
import base64, io, json, math, pathlib
import cv2
import numpy as np
from PIL import Image

rng = np.random.default_rng(5)


def picture(h, w):
    y, x = np.mgrid[:h, :w]
    rgb = np.stack([128 + 100 * np.sin(x / 5), 255 * (y > x) * 0.8, 3 * x + 2 * y], 2) + rng.normal(0, 12, (h, w, 3))
    return np.clip(rgb, 0, 255).astype(np.uint8)


def jpeg(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def grey(file):
    read = np.asarray(Image.open(io.BytesIO(file)), np.float64)
    luma = read if read.ndim == 2 else read[..., 0] * 0.299 + read[..., 1] * 0.587 + read[..., 2] * 0.114
    return np.floor(luma + 0.5).astype(int)


jpegs = []
for name, (h, w), mode, options in [
    ("4:2:0", (29, 37), "RGB", {"subsampling": "4:2:0"}), ("4:2:2", (16, 40), "RGB", {"subsampling": "4:2:2"}),
    ("4:4:4", (21, 23), "RGB", {"subsampling": "4:4:4", "quality": 95}), ("grey", (17, 30), "L", {}),
    ("grey, coarse", (8, 9), "L", {"quality": 10}), ("4:2:0, restarts", (40, 50), "RGB", {"restart_marker_blocks": 2}),
    ("own Huffman tables", (33, 33), "RGB", {"optimize": True}), ("progressive", (9, 9), "RGB", {"progressive": True}),
]:
    file = jpeg(Image.fromarray(picture(h, w)).convert(mode), **options)
    jpegs.append({"name": name, "width": w, "height": h, "jpeg": base64.b64encode(file).decode(), "grey": grey(file).ravel().tolist()})
cmyk = jpeg(Image.new("CMYK", (9, 9), (10, 200, 30, 40)))


def bicubic(image, size):
    return np.asarray(Image.fromarray(image.astype(np.float32)).resize(size, Image.BICUBIC))


resized = []
for (w, h), (tw, th) in [((16, 12), (8, 6)), ((17, 13), (5, 4)), ((7, 5), (14, 10)), ((9, 9), (23, 12)), ((6, 6), (6, 6)), ((3, 2), (1, 1))]:
    image = rng.random((h, w)).astype(np.float32)
    resized.append({"width": w, "height": h, "image": image.ravel().tolist(), "toWidth": tw, "toHeight": th, "resized": bicubic(image, (tw, th)).ravel().tolist()})

degraded = []
for (w, h), scale, sigma, contrast in [((32, 32), 2.0, 1.0, 1.5), ((20, 28), 3.7, 2.9, 3.0), ((24, 24), 1.0, 0.4, 1.0), ((16, 16), 4.0, 0.05, 2.0)]:
    image = rng.random((h, w)).astype(np.float32)
    small = bicubic(image, (math.floor(w / scale + 0.5), math.floor(h / scale + 0.5)))
    side = 2 * math.ceil(3 * sigma) + 1
    small = cv2.GaussianBlur(small, (side, side), sigma, borderType=cv2.BORDER_REPLICATE)
    small = small.mean() + (small - small.mean()) / contrast
    degraded.append({"width": w, "height": h, "image": image.ravel().tolist(), "scale": scale, "sigmaPx": sigma, "contrast": contrast,
                     "degraded": bicubic(small, (w, h)).ravel().tolist()})
pathlib.Path(__file__).parent.parent.joinpath("fixtures/photographs.json").write_text(json.dumps(
    {"jpegs": jpegs, "cmyk": base64.b64encode(cmyk).decode(), "resized": resized, "degraded": degraded}) + "\n")
