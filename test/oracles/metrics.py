"""Golden values of the metrics from MedPy, SimpleITK, surface-distance and SciPy, on random masks.

    python test/oracles/metrics.py > test/fixtures/metrics.json
    python test/oracles/metrics.py --moved ../shared/data FILE... > test/fixtures/realMaskScores.json
        real masks against themselves, moved: FILE is relative to the folder; numbers only

Needs numpy, scipy, medpy, SimpleITK and surface-distance. Masks are written as run lengths over [z, y, x], starting with a
run of 0.
"""

import json
import pathlib
import sys

import numpy as np
import SimpleITK as sitk
from medpy.metric import binary
from scipy import ndimage, stats

# surface-distance still calls what NumPy 2 and newer SciPy have removed
if not hasattr(np, "Inf"):
    np.Inf = np.inf
if not hasattr(ndimage, "filters"):
    ndimage.filters = ndimage
if not hasattr(ndimage, "morphology"):
    ndimage.morphology = ndimage

from surface_distance import lookup_tables, metrics as surface  # noqa: E402

TOLERANCES = [0, 0.5, 1, 2, 4]


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
    # the filter takes its volume similarity as 2 (source - target) / (source + target)
    return {
        "dice": f.GetDiceCoefficient(),
        "iou": f.GetJaccardCoefficient(),
        "volumetricSimilarity": 1 - abs(f.GetVolumeSimilarity()) / 2,
    }


def hausdorff(a, b, spacing_zyx):
    image = [sitk.GetImageFromArray(m.astype(np.uint8)) for m in (a, b)]
    for i in image:
        i.SetSpacing([float(s) for s in spacing_zyx[::-1]])
    f = sitk.HausdorffDistanceImageFilter()
    f.Execute(*image)
    return {"averageHausdorff": f.GetAverageHausdorffDistance(), "hausdorff": f.GetHausdorffDistance()}


def scores(a, b, spacing_zyx):
    """All metrics of prediction a against reference b, [z, y, x]; one slice is measured in the plane."""
    found = {}
    for judge in JUDGES.values():
        found |= judge(a, b, spacing_zyx)
    return {**found, "volumeDifference": float((int(a.sum()) - int(b.sum())) * np.prod(spacing_zyx))}


def in_plane(a, b, spacing_zyx):
    flat = a.shape[0] == 1
    return [m[0] if flat else m for m in (a, b)], [float(s) for s in spacing_zyx[1 if flat else 0 :]]


def simple_itk(a, b, spacing_zyx):
    voxels = hausdorff(a, b, [1, 1, 1])["averageHausdorff"]
    return {**overlap_measures(a, b), **hausdorff(a, b, spacing_zyx), "averageHausdorffVoxels": voxels}


def medpy(a, b, spacing_zyx):
    masks, spacing = in_plane(a, b, spacing_zyx)
    return {
        "precision": binary.precision(*masks),
        "recall": binary.recall(*masks),
        "assd": binary.assd(*masks, voxelspacing=spacing),
        "hd95": binary.hd95(*masks, voxelspacing=spacing),
    }


def surface_distance(a, b, spacing_zyx):
    masks, spacing = in_plane(a, b, spacing_zyx)
    distances = surface.compute_surface_distances(masks[1], masks[0], spacing)
    return {
        "surfaceDice": [float(surface.compute_surface_dice_at_tolerance(distances, t)) for t in TOLERANCES],
        "surfaceArea": float(distances["surfel_areas_gt"].sum()),
    }


JUDGES = {"SimpleITK": simple_itk, "MedPy": medpy, "surface-distance": surface_distance}


def random_case(rng, shape, spacing_zyx):
    a, b = pair(rng, shape)
    return {
        "dims": list(shape[::-1]),
        "spacing": [float(s) for s in spacing_zyx[::-1]],
        "prediction": run_lengths(a),
        "reference": run_lengths(b),
        **scores(a, b, spacing_zyx),
    }


def surfels(spacing_zyx):
    """Area by which of the eight voxels around a corner are inside, bit x + 2y + 4z."""
    kernel = lookup_tables.ENCODE_NEIGHBOURHOOD_3D_KERNEL
    areas = lookup_tables.create_table_neighbour_code_to_surface_area(spacing_zyx)
    bits = np.arange(256)[:, None] >> np.arange(8) & 1
    codes = bits @ kernel.reshape(8)
    plane = lookup_tables.create_table_neighbour_code_to_contour_length(spacing_zyx[1:])
    flat = lookup_tables.ENCODE_NEIGHBOURHOOD_2D_KERNEL.reshape(4)
    return {
        "spacing": [float(s) for s in spacing_zyx[::-1]],
        "areas": areas[codes].tolist(),
        "lengths": plane[bits[:16, :4] @ flat].tolist(),
    }


def distance_map(rng, shape, spacing_zyx):
    mask = rng.uniform(size=shape) < 0.01
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing([float(s) for s in spacing_zyx[::-1]])
    squared = sitk.SignedMaurerDistanceMap(image, insideIsPositive=False, squaredDistance=True, useImageSpacing=True)
    exact = ndimage.distance_transform_edt(~mask, sampling=spacing_zyx)
    maurer = np.sqrt(np.maximum(sitk.GetArrayFromImage(squared), 0))
    # Maurer's map is negative inside; outside the two programs agree
    assert np.allclose(maurer[~mask], exact[~mask], rtol=1e-5)
    return {
        "dims": list(shape[::-1]),
        "spacing": [float(s) for s in spacing_zyx[::-1]],
        "mask": run_lengths(mask),
        "sum": float(exact.sum()),
        "maximum": float(exact.max()),
        "every97th": exact.ravel()[::97].tolist(),
    }


def main():
    rng = np.random.default_rng(2018)
    masks = [random_case(rng, (7, 12, 10), s) for s in ([1, 1, 1], [5, 0.7, 0.7], [2.5, 0.9, 0.6], [0.8, 1.3, 2.1])]
    masks += [random_case(rng, (1, 18, 22), s) for s in ([1, 1, 1], [5, 0.7, 0.9])]
    values = rng.uniform(size=23).round(3)
    other = (values + rng.normal(0.02, 0.05, size=23)).round(3)
    tied_a, tied_b = rng.integers(0, 6, 90), rng.integers(0, 7, 90)
    document = {
        "tolerances": TOLERANCES,
        "masks": masks,
        "surfels": surfels([2.9, 1.3, 0.7]),
        "distanceMaps": [distance_map(rng, (9, 17, 21), [5, 0.8, 0.6]), distance_map(rng, (24, 20, 16), [1, 1, 1])],
        "summary": {
            "values": values.tolist(),
            "mean": values.mean(),
            "sd": values.std(ddof=1),
            "median": np.median(values),
            "q1": np.quantile(values, 0.25),
            "q3": np.quantile(values, 0.75),
        },
        "wilson": [
            {"successes": k, "trials": n, **dict(zip(("low", "high"), map(float, stats.binomtest(k, n).proportion_ci(method="wilson"))))}
            for k, n in ((924, 1000), (987, 1000), (0, 12), (5, 5), (3, 7))
        ],
        "wilcoxon": [
            {"first": x.tolist(), "second": y.tolist(), "p": float(stats.wilcoxon(x, y, correction=False, method=method).pvalue)}
            for x, y, method in (
                (values, other, "exact"),
                (values[:8], other[:8], "exact"),
                (tied_a[:12], tied_b[:12], stats.PermutationMethod(n_resamples=np.inf)),
                (tied_a, tied_b, "approx"),
                (np.arange(60) / 7.0, np.sqrt(np.arange(60.0)) + 3, "approx"),
            )
        ],
        "line": (lambda r: {"slope": r.slope, "intercept": r.intercept, "rSquared": r.rvalue**2})(stats.linregress(values, other)),
        "second": other.tolist(),
    }
    print(json.dumps(document))


MOVED = (1, -1, 2)  # z, y, x in voxels


def read_mask(file):
    image = sitk.ReadImage(str(file))
    return sitk.GetArrayFromImage(image) != 0, [float(s) for s in image.GetSpacing()[::-1]]


def moved(mask):
    found = np.zeros_like(mask)
    voxels = np.argwhere(mask) + MOVED
    inside = voxels[np.all((voxels >= 0) & (voxels < mask.shape), axis=1)]
    found[tuple(inside.T)] = True
    return found


def score_moved(folder, files):
    found = []
    for file in files:
        mask, spacing = read_mask(pathlib.Path(folder) / file)
        other = moved(mask)
        where = np.argwhere(mask | other)
        box = tuple(slice(max(0, low - 2), high + 3) for low, high in zip(where.min(0), where.max(0)))
        pair = [np.ascontiguousarray(m[box]) for m in (other, mask)]
        found.append({"file": file, "voxels": int(mask.sum()), **scores(*pair, spacing)})
    print(json.dumps({"moved": MOVED[::-1], "tolerances": TOLERANCES, "masks": found}, indent=1))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--moved", folder, *files]:
            score_moved(folder, files)
        case _:
            main()
