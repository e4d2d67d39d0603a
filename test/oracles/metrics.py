"""Golden values of the metrics from MedPy, SimpleITK and SciPy, on random masks.

    python test/oracles/metrics.py > test/fixtures/metrics.json

Needs numpy, scipy, medpy and SimpleITK. Masks are written as run lengths over [z, y, x], starting with a run of 0.
"""

import json

import numpy as np
import SimpleITK as sitk
from medpy.metric import binary
from scipy import ndimage, stats


def pair(rng, shape):
    """Two ragged, overlapping masks: thresholds of a smooth random field and of the same field, disturbed."""
    field = ndimage.gaussian_filter(rng.normal(size=shape), rng.uniform(0.6, 2.0))
    other = field + rng.uniform(0.2, 0.8) * field.std() * rng.normal(size=shape)
    return tuple(f > np.quantile(f, rng.uniform(0.6, 0.95)) for f in (field, other))


def run_lengths(mask):
    flat = mask.astype(np.uint8).ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    bounds = np.concatenate([[0], edges, [flat.size]])
    runs = np.diff(bounds).tolist()
    return runs if flat[0] == 0 else [0, *runs]


def overlap_measures(a, b):
    f = sitk.LabelOverlapMeasuresImageFilter()
    f.Execute(sitk.GetImageFromArray(b.astype(np.uint8)), sitk.GetImageFromArray(a.astype(np.uint8)))
    return {"dice": f.GetDiceCoefficient(), "iou": f.GetJaccardCoefficient()}


def case(rng, shape, spacing_zyx):
    a, b = pair(rng, shape)
    image = [sitk.GetImageFromArray(m.astype(np.uint8)) for m in (a, b)]
    for i in image:
        i.SetSpacing([float(s) for s in spacing_zyx[::-1]])
    distances = sitk.HausdorffDistanceImageFilter()
    distances.Execute(*image)
    flat = [m[0] if shape[0] == 1 else m for m in (a, b)]
    spacing = spacing_zyx[1:] if shape[0] == 1 else spacing_zyx
    return {
        "dims": list(shape[::-1]),
        "spacing": [float(s) for s in spacing_zyx[::-1]],
        "prediction": run_lengths(a),
        "reference": run_lengths(b),
        "precision": binary.precision(*flat),
        "recall": binary.recall(*flat),
        **overlap_measures(a, b),
        "averageHausdorff": distances.GetAverageHausdorffDistance(),
        "hausdorff": distances.GetHausdorffDistance(),
        "assd": binary.assd(*flat, voxelspacing=spacing),
        "hd95": binary.hd95(*flat, voxelspacing=spacing),
    }


def main():
    rng = np.random.default_rng(2018)
    masks = [case(rng, (7, 12, 10), s) for s in ([1, 1, 1], [5, 0.7, 0.7], [2.5, 0.9, 0.6], [0.8, 1.3, 2.1])]
    masks += [case(rng, (1, 18, 22), s) for s in ([1, 1, 1], [5, 0.7, 0.9])]
    scores = rng.uniform(size=23).round(3)
    other = (scores + rng.normal(0.02, 0.05, size=23)).round(3)
    tied_a, tied_b = rng.integers(0, 6, 90), rng.integers(0, 7, 90)
    document = {
        "masks": masks,
        "summary": {
            "values": scores.tolist(),
            "mean": scores.mean(),
            "sd": scores.std(ddof=1),
            "median": np.median(scores),
            "q1": np.quantile(scores, 0.25),
            "q3": np.quantile(scores, 0.75),
        },
        "wilson": [
            {"successes": k, "trials": n, **dict(zip(("low", "high"), map(float, stats.binomtest(k, n).proportion_ci(method="wilson"))))}
            for k, n in ((924, 1000), (987, 1000), (0, 12), (5, 5), (3, 7))
        ],
        "wilcoxon": [
            {"first": x.tolist(), "second": y.tolist(), "p": float(stats.wilcoxon(x, y, correction=False, method=method).pvalue)}
            for x, y, method in (
                (scores, other, "exact"),
                (scores[:8], other[:8], "exact"),
                (tied_a[:12], tied_b[:12], stats.PermutationMethod(n_resamples=np.inf)),
                (tied_a, tied_b, "approx"),
                (np.arange(60) / 7.0, np.sqrt(np.arange(60.0)) + 3, "approx"),
            )
        ],
        "line": (lambda r: {"slope": r.slope, "intercept": r.intercept, "rSquared": r.rvalue**2})(stats.linregress(scores, other)),
        "second": other.tolist(),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
