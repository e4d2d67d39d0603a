"""Writes test/fixtures/imageQuality.json: PSNR and SSIM of pairs of pictures by scikit-image.
Run: python test/oracles/image_quality.py (numpy, scikit-image)."""
import json, pathlib
import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

rng = np.random.default_rng(11)


def smooth(h, w):
    y, x = np.mgrid[0:h, 0:w]
    return 0.5 + 0.25 * np.sin(x / 3.0) + 0.2 * np.cos((x + 2 * y) / 5.0)


cases = []
for name, (h, w), peak, change in [
    ("noise", (16, 19), 1.0, lambda t: t + rng.normal(0, 0.1, t.shape)),
    ("darker", (11, 11), 1.0, lambda t: 0.8 * t),
    ("less contrast", (24, 13), 1.0, lambda t: 0.5 + 0.4 * (t - 0.5)),
    ("inverted", (20, 20), 1.0, lambda t: 1 - t),
    ("shifted by a pixel", (17, 23), 1.0, lambda t: np.roll(t, 1, axis=1)),
    ("8 bits", (15, 18), 255.0, lambda t: np.round(t + rng.normal(0, 12, t.shape))),
]:
    truth = smooth(h, w) * peak
    if peak == 255.0:
        truth = np.round(truth)
    truth, picture = truth.astype(np.float32), change(truth).astype(np.float32)
    a, b = truth.astype(np.float64), picture.astype(np.float64)
    cases.append({
        "name": name, "width": w, "height": h, "peak": peak,
        "truth": [float(v) for v in truth.ravel()], "picture": [float(v) for v in picture.ravel()],
        "psnr": float(peak_signal_noise_ratio(a, b, data_range=peak)),
        "ssim": float(structural_similarity(a, b, data_range=peak, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)),
    })
pathlib.Path(__file__).parent.parent.joinpath("fixtures/imageQuality.json").write_text(json.dumps(cases) + "\n")
