"""Golden values for test/labels, computed with OpenCV, SciPy and NumPy: python test/oracles/labels.py > test/fixtures/labels.json

Pictures are not stored: both sides draw them with `picture`, from integers only. Masks and trimaps are stored as
runs of alternating value and length in raster order. Points are (x, y); arrays are [y, x].
"""
import json
import math
import sys

import cv2
import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull

LEAST_POSITIVE = 1e-9


def lcg(seed, count):
    """`count` integers in 0 … 32767."""
    values = np.empty(count, np.int64)
    state = seed
    for i in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        values[i] = state >> 16
    return values


def picture(width, height, seed, base, contrast, noise):
    """A bright ellipse with half axes of a third and a quarter of the picture, under uniform noise."""
    x = np.arange(width)[None, :]
    y = np.arange(height)[:, None]
    inside = ((6 * x - 3 * width) * height) ** 2 + ((8 * y - 4 * height) * width) ** 2 < (2 * width * height) ** 2
    grain = lcg(seed, width * height).reshape(height, width) * (2 * noise + 1) // 32768 - noise
    return np.clip(base + contrast * inside + grain, 0, 255).astype(np.uint8)


def runs(array):
    flat = array.astype(int).ravel()
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    lengths = np.diff(np.r_[starts, flat.size])
    return np.c_[flat[starts], lengths].ravel().tolist()


def distance_to_segment(width, height, p, q):
    p, q = np.asarray(p, float), np.asarray(q, float)
    y, x = np.mgrid[:height, :width]
    along = ((x - p[0]) * (q - p)[0] + (y - p[1]) * (q - p)[1]) / max((q - p) @ (q - p), LEAST_POSITIVE)
    along = along.clip(0, 1)
    return np.hypot(x - p[0] - along * (q - p)[0], y - p[1] - along * (q - p)[1])


def distance_to_axes(width, height, marks):
    """Rounded, so that pixels that are equally far in exact arithmetic are so here; the marks below avoid such pixels at the cut."""
    return np.minimum(*(distance_to_segment(width, height, *marks[name]) for name in ("long", "short"))).round(9)


def first(values, count):
    chosen = np.zeros(values.size, bool)
    chosen[np.argsort(values.ravel(), kind="stable")[: int(np.round(count))]] = True
    return chosen.reshape(values.shape)


def roi_of_marks(marks):
    """Twice the tight box counted in pixels, rounded outwards; the end is exclusive."""
    points = np.array(marks["long"] + marks["short"])
    low, high = points.min(0), points.max(0)
    size = np.maximum(high - low, 1) + 1
    centre = (low + high) / 2
    return [*np.floor(centre - size).astype(int).tolist(), *(np.ceil(centre + size).astype(int) + 1).tolist()]


def trimap_of_marks(marks, width, height):
    points = np.array(marks["long"] + marks["short"])
    centre = (points.min(0) + points.max(0)) / 2
    y, x = np.mgrid[:height, :width]
    foreground = first(distance_to_axes(width, height, marks), 0.1 * width * height)
    inner = (abs(x - centre[0]) <= width / 2 * math.sqrt(0.5)) & (abs(y - centre[1]) <= height / 2 * math.sqrt(0.5))
    background = ~inner & ~foreground
    to_foreground = ndimage.distance_transform_edt(~foreground)
    to_background = ndimage.distance_transform_edt(~background)
    uncertain = inner & ~foreground
    rank = np.where(uncertain, to_foreground / (to_foreground + to_background + 1e-9), np.inf)
    trimap = np.full((height, width), cv2.GC_PR_BGD)
    trimap[first(rank, uncertain.sum() / 2)] = cv2.GC_PR_FGD
    trimap[background] = cv2.GC_BGD
    trimap[foreground] = cv2.GC_FGD
    return trimap


def measured(mask, spacing):
    """Maximal Feret diameter of the pixel centres, and the longest extent across it over bands a pixel wide; mm."""
    y, x = np.nonzero(mask)
    points = np.c_[x * spacing[0], y * spacing[1]]
    corners = points[ConvexHull(points).vertices]
    between = np.hypot(*(corners[:, None] - corners[None]).transpose(2, 0, 1))
    i, j = np.unravel_index(between.argmax(), between.shape)
    along = (corners[j] - corners[i]) / between[i, j]
    t = (points - corners[i]) @ along
    s = (points - corners[i]) @ np.array([-along[1], along[0]])
    width = max(spacing)
    extents = [np.ptp(s[abs(t - at) <= width / 2 + 1e-12]) for at in np.arange(width / 2, between.max(), width / 2)]
    # Another pair may be as long: then the short axis is not determined.
    ties = int((between > between.max() - 1e-9).sum() // 2)
    return between.max(), max(extents), ties


def blob(seed, size=40):
    """The largest component of smooth noise above its 75th percentile."""
    noise = ndimage.gaussian_filter(lcg(seed, size * size).reshape(size, size).astype(float), 4)
    labels, count = ndimage.label(noise > np.percentile(noise, 75))
    return labels == 1 + np.argmax(ndimage.sum_labels(labels > 0, labels, range(1, count + 1)))


def kmeans_case(seed, samples, k=5):
    data = np.repeat(samples.astype(np.float32)[:, None], 3, 1)
    cv2.setRNGSeed(seed)
    _, labels, _ = cv2.kmeans(data, k, None, (cv2.TERM_CRITERIA_MAX_ITER, 10, 0), 0, cv2.KMEANS_PP_CENTERS)
    return [np.bincount(samples[labels[:, 0] == c], minlength=256).tolist() for c in range(k)]


def sparse(counts):
    return [[[level, n] for level, n in enumerate(cluster) if n] for cluster in counts]


def grabcut_case(parameters, trimap, seed):
    image = picture(**parameters)
    regions = trimap.astype(np.uint8)
    cv2.setRNGSeed(seed)
    cv2.grabCut(np.repeat(image[..., None], 3, -1), regions, None, np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_MASK)
    return {"picture": parameters, "seed": seed, "trimap": runs(trimap), "regions": runs(regions)}


def main():
    out = {"opencv": cv2.__version__}

    out["kmeans"] = []
    for seed, count, levels, offset in [(1, 200, 256, 0), (7, 50, 12, 100), (3, 40, 3, 7), (9, 30, 1, 50), (11, 5, 256, 0), (123456, 400, 64, 190)]:
        samples = lcg(seed, count) * levels // 32768 + offset
        case = {"seed": seed, "count": count, "levels": levels, "offset": offset}
        out["kmeans"].append({**case, "clusters": sparse(kmeans_case(seed, samples.clip(0, 255)))})
    # Sums beyond 2^24, where single precision rounds.
    samples = lcg(5, 120000) * 100 // 32768 + 150
    out["kmeans"].append({"seed": 5, "count": 120000, "levels": 100, "offset": 150, "clusters": sparse(kmeans_case(5, samples))})

    out["trimaps"] = []
    for long, short in [
        ([[58.3, 70.1], [81.7, 64.2]], [[67.2, 60.6], [72.4, 76.9]]),
        ([[45, 52], [65, 52]], [[55, 46], [55, 59]]),
        ([[42.5, 53.25], [43.5, 90.75]], [[34.1, 72.2], [51.6, 71.7]]),
        ([[50, 50], [53, 51]], [[51, 52], [52, 49]]),
        ([[61.13, 73.4], [97.52, 41.88]], [[70.7, 48.21], [86.36, 66.05]]),
    ]:
        x0, y0, x1, y1 = roi_of_marks({"long": long, "short": short})
        shifted = {name: (np.array(axis) - [x0, y0]).tolist() for name, axis in (("long", long), ("short", short))}
        out["trimaps"].append({"long": long, "short": short, "roi": [x0, y0, x1, y1], "trimap": runs(trimap_of_marks(shifted, x1 - x0, y1 - y0))})

    out["diameters"] = []
    for seed in range(1, 41):
        spacing = [(1, 1), (0.7, 0.7), (0.5, 1.25)][seed % 3]
        mask = blob(seed)
        long, short, ties = measured(mask, spacing)
        if ties == 1:
            out["diameters"].append({"spacing": spacing, "mask": runs(mask), "longMm": long, "shortMm": short})

    out["grabcut"] = []
    for seed, (w, h, base, contrast, noise) in enumerate([(41, 36, 90, 60, 0), (41, 36, 90, 60, 25), (41, 36, 90, 25, 60), (64, 50, 0, 40, 30), (30, 70, 200, 55, 40), (96, 96, 110, 30, 45)], 1):
        parameters = {"width": w, "height": h, "seed": seed, "base": base, "contrast": contrast, "noise": noise}
        axes = {"long": [[w * 0.22, h * 0.5], [w * 0.78, h * 0.52]], "short": [[w * 0.5, h * 0.3], [w * 0.49, h * 0.7]]}
        out["grabcut"].append(grabcut_case(parameters, trimap_of_marks(axes, w, h), seed))
        box = np.zeros((h, w), int)
        box[h // 5 : h - h // 5, w // 6 : w - w // 6] = cv2.GC_PR_FGD
        out["grabcut"].append(grabcut_case(parameters, box, 100 + seed))
        if seed in (1, 2):
            random = (lcg(seed + 50, w * h) // 8192).reshape(h, w)
            out["grabcut"].append(grabcut_case(parameters, random, seed - 1))
    json.dump(out, sys.stdout, separators=(",", ":"))


if __name__ == "__main__":
    main()
