"""Writes test/fixtures/resample.json: images resized by OpenCV (INTER_LINEAR, INTER_CUBIC and INTER_AREA, float32), and 8-bit windows by NumPy.
Run: python test/oracles/resample.py (opencv-python-headless, numpy)."""
import json, pathlib
import cv2
import numpy as np

rng = np.random.default_rng(2)
cases = []
for (w, h), (tw, th) in [((7, 5), (16, 16)), ((16, 16), (5, 7)), ((9, 4), (9, 4)), ((3, 3), (6, 12)), ((1, 4), (3, 3)), ((13, 11), (8, 8))]:
    image = rng.integers(-1000, 1000, (h, w)).astype(np.float32)
    cases.append({"width": w, "height": h, "image": image.ravel().tolist(), "toWidth": tw, "toHeight": th,
                  "resized": cv2.resize(image, (tw, th), interpolation=cv2.INTER_LINEAR).ravel().tolist()})
cubic, area = [], []
for (w, h), (tw, th) in [((7, 5), (14, 10)), ((9, 8), (27, 24)), ((6, 7), (30, 35)), ((8, 5), (19, 13)), ((1, 3), (4, 12)), ((12, 10), (7, 6))]:
    image = rng.integers(-1000, 1000, (h, w)).astype(np.float32)
    cubic.append({"width": w, "height": h, "image": image.ravel().tolist(), "toWidth": tw, "toHeight": th,
                  "resized": cv2.resize(image, (tw, th), interpolation=cv2.INTER_CUBIC).ravel().tolist()})
for (w, h), (tw, th) in [((14, 10), (7, 5)), ((15, 20), (5, 4)), ((13, 11), (5, 4)), ((17, 9), (12, 8)), ((8, 8), (8, 8))]:
    image = rng.integers(0, 2, (h, w)).astype(np.float32)
    area.append({"width": w, "height": h, "image": image.ravel().astype(int).tolist(), "toWidth": tw, "toHeight": th,
                 "resized": cv2.resize(image, (tw, th), interpolation=cv2.INTER_AREA).ravel().tolist()})
hu = np.concatenate([np.arange(-1400, 300, 7), [-32768, 32767, -160, 240, -175, 275]])
windows = [{"low": lo, "high": hi, "grey": (np.clip((hu - lo) / (hi - lo), 0, 1) * 255).astype(np.uint8).tolist()}
           for lo, hi in [(-160, 240), (-1350, 150), (-175, 275)]]
pathlib.Path(__file__).parent.parent.joinpath("fixtures/resample.json").write_text(
    json.dumps({"resize": cases, "cubic": cubic, "area": area, "hu": hu.tolist(), "windows": windows}) + "\n")
