"""Judges trained generators (bench/enhancement.ts) beside bicubic interpolation and classical filters.

  enhancement.py set5 MODEL SET5                super-resolution, × 2 and × 4
  enhancement.py denoise MODEL TEST TRAIN       noise of 15, 25 and 50 grey levels; filters tuned on ten pictures of TRAIN

Set5 as distributed: low-resolution files by MATLAB's imresize; luminance Y of ITU-R BT.601 (16 … 235), `scale` pixels of
border left out, peak 255; enlarged by Pillow's bicubic. SSIM: Gaussian window of 11 × 11, σ = 1.5 (scikit-image).
Needs numpy, Pillow, opencv-python-headless, scikit-image.
"""
import itertools
import pathlib
import subprocess
import sys
import tempfile

import cv2
import numpy as np
from PIL import Image
from skimage.metrics import structural_similarity
from skimage.restoration import denoise_nl_means

cv2.setNumThreads(1)


def luminance(path):
    rgb = np.asarray(Image.open(path).convert("RGB"), np.float64)
    return ((rgb @ [65.481, 128.553, 24.966]) / 255 + 16) / 255


def grey(path):
    image = Image.open(path)
    image.draft("L", image.size)
    return np.asarray(image.convert("L"), np.float64) / 255


def psnr(a, b):
    return 10 * np.log10(1 / np.mean((np.clip(a, 0, 1) - b) ** 2))


def ssim(a, b):
    return structural_similarity(np.clip(a, 0, 1), b, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)


def generated(model, images):
    with tempfile.TemporaryDirectory() as folder:
        before, after = pathlib.Path(folder, "in"), pathlib.Path(folder, "out")
        before.mkdir()
        names = [f"{i:03}.{im.shape[1]}x{im.shape[0]}.f32" for i, im in enumerate(images)]
        for name, image in zip(names, images):
            image.astype(np.float32).tofile(before / name)
        command = ["npx", "tsx", "bench/enhancement.ts", "apply", "--model", model, "--in", str(before), "--out", str(after)]
        subprocess.run(command, check=True)
        return [np.fromfile(after / name, np.float32).reshape(im.shape).astype(np.float64) for name, im in zip(names, images)]


def row(title, pairs):
    pairs = list(pairs)
    print(f"{title:34}{np.mean([psnr(a, b) for a, b in pairs]):8.2f}{np.mean([ssim(a, b) for a, b in pairs]):9.4f}", flush=True)


def set5(model, folder):
    for scale in (2, 4):
        highs = sorted(pathlib.Path(folder, f"image_SRF_{scale}").glob("*_HR.png"))
        high = [luminance(path) for path in highs]
        low = [luminance(str(path).replace("_HR", "_LR")) for path in highs]
        enlarged = [
            np.asarray(Image.fromarray(l.astype(np.float32)).resize(h.shape[::-1], Image.BICUBIC), np.float64)
            for l, h in zip(low, high)
        ]
        cut = lambda images: [im[scale:-scale, scale:-scale] for im in images]
        row(f"Set5 x {scale}: bicubic", zip(cut(enlarged), cut(high)))
        row(f"Set5 x {scale}: generator", zip(cut(generated(model, enlarged)), cut(high)))


FILTERS = {
    "Gaussian": (lambda n, s, sigma: cv2.GaussianBlur(n, (0, 0), s), {"s": [0.5, 0.7, 0.9, 1.1, 1.3, 1.6, 2.0, 2.5]}),
    "bilateral": (
        lambda n, colour, space, sigma: cv2.bilateralFilter(n, -1, colour * sigma, space),
        {"colour": [1.5, 2, 2.5, 3, 4, 5, 7], "space": [0.8, 1, 1.3, 1.7, 2.2, 3]},
    ),
    "non-local means": (
        lambda n, h, patch, reach, sigma: denoise_nl_means(
            n, patch_size=patch, patch_distance=reach, h=h * sigma, sigma=sigma, fast_mode=True
        ),
        {"h": [0.4, 0.5, 0.6, 0.7, 0.8, 1.0], "patch": [3, 5, 7], "reach": [7, 10]},
    ),
}


def denoise(model, test, train):
    def noisy(images, sigma, seed):
        rng = np.random.default_rng(seed)
        return [(im + sigma * rng.standard_normal(im.shape)).astype(np.float32) for im in images]

    tests = [grey(path) for path in sorted(pathlib.Path(test).glob("*.jpg"))]
    tuning = [grey(path)[60:220, 60:220] for path in sorted(pathlib.Path(train).glob("*.jpg"))[::20]]
    for level in (15, 25, 50):
        sigma = level / 255
        inputs = noisy(tests, sigma, level)
        tuned_on = noisy(tuning, sigma, 1000 + level)
        row(f"sigma {level}: noisy", zip(inputs, tests))
        for name, (work, grid) in FILTERS.items():
            combinations = [dict(zip(grid, values)) for values in itertools.product(*grid.values())]
            score = lambda given: np.mean([psnr(work(n, sigma=sigma, **given), t) for n, t in zip(tuned_on, tuning)])
            best = max(combinations, key=score)
            row(f"sigma {level}: {name}", [(work(n, sigma=sigma, **best), t) for n, t in zip(inputs, tests)])
            print(f"    {best}", flush=True)
        row(f"sigma {level}: generator", zip(generated(model, inputs), tests))


print(f"{'':34}{'PSNR':>8}{'SSIM':>9}")
{"set5": set5, "denoise": denoise}[sys.argv[1]](*sys.argv[2:])
