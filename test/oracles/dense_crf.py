"""Golden values for test/labels/denseCrf.test.ts from the authors' code: python test/oracles/dense_crf.py

pydensecrf (Krähenbühl and Koltun's C++) filters points by its permutohedral lattice and runs mean field on pictures that
both sides draw with `picture` of labels.py. Needs numpy and pydensecrf (pydensecrf2 is the same code for newer Pythons).
Sizes are multiples of four: the authors' code pads the rest of a vector register with points at the origin.
Written to test/fixtures/denseCrf.json, rounded.
"""
import json
import pathlib

import numpy as np
import pydensecrf.densecrf as dcrf
from labels import lcg, picture


def prior_of_box(width, height, sure):
    """Lesion in the central fifth of the box, background around it, nothing known between."""
    x = abs(np.arange(width)[None, :] - (width - 1) / 2)
    y = abs(np.arange(height)[:, None] - (height - 1) / 2)
    prior = np.full((height, width), 0.5)
    prior[(x > 0.3 * width) | (y > 0.3 * height)] = 1 - sure
    prior[(x <= 0.13 * width) & (y <= 0.13 * height)] = sure
    return prior


def features_of(image, appearance):
    height, width = image.shape
    y, x = np.mgrid[:height, :width]
    features = [x / appearance["positionPx"], y / appearance["positionPx"]]
    if "grey" in appearance:
        features.append(image / appearance["grey"])
    return np.stack(features).reshape(len(features), -1).astype(np.float32)


def mean_field(image, prior, options):
    """Marginals of the lesion after every iteration asked for."""
    field = dcrf.DenseCRF(image.size, 2)
    probabilities = np.stack([1 - prior, prior]).reshape(2, -1)
    field.setUnaryEnergy(np.ascontiguousarray(-np.log(probabilities), dtype=np.float32))
    for kernel in (options["appearance"], options["smoothness"]):
        if kernel["weight"] > 0:
            field.addPairwiseEnergy(np.ascontiguousarray(features_of(image, kernel)), compat=kernel["weight"],
                                    kernel=dcrf.CONST_KERNEL, normalization=dcrf.NORMALIZE_SYMMETRIC)
    return np.array(field.inference(options["iterations"]))[1]


def kernel_sums(features):
    """K v for a ramp v: one update of a CRF with one kernel as it is gives Q(1) − Q(0), filtered, as the odds' change."""
    count = features.shape[1]
    field = dcrf.DenseCRF(count, 2)
    start = np.stack([1 - np.arange(count) / count, np.arange(count) / count])
    field.setUnaryEnergy(np.ascontiguousarray(-np.log(np.clip(start, 1e-6, 1)), dtype=np.float32))
    field.addPairwiseEnergy(np.ascontiguousarray(features, dtype=np.float32), compat=1.0, kernel=dcrf.CONST_KERNEL,
                            normalization=dcrf.NO_NORMALIZATION)
    q = np.array(field.inference(1))
    odds = np.log(q[1] / q[0])
    unary = np.log(np.clip(start, 1e-6, 1))
    return odds - (unary[1] - unary[0])


def main():
    cases = []
    for seed, (width, height, contrast, noise), options in [
        (1, (28, 24, 60, 10), dict(appearance=dict(weight=10, positionPx=80, grey=13), smoothness=dict(weight=3, positionPx=3), iterations=5)),
        (2, (24, 28, 40, 25), dict(appearance=dict(weight=4, positionPx=7, grey=20), smoothness=dict(weight=1, positionPx=1), iterations=10)),
        (3, (20, 28, 30, 30), dict(appearance=dict(weight=6, positionPx=15, grey=6), smoothness=dict(weight=0, positionPx=3), iterations=5)),
        (4, (20, 20, 50, 40), dict(appearance=dict(weight=0, positionPx=9, grey=9), smoothness=dict(weight=5, positionPx=2.5), iterations=3)),
        (5, (36, 24, 25, 20), dict(appearance=dict(weight=8, positionPx=20, grey=10), smoothness=dict(weight=3, positionPx=3), iterations=1)),
    ]:
        drawn = {"width": width, "height": height, "seed": seed, "base": 90, "contrast": contrast, "noise": noise}
        sure = 0.9
        image = picture(**drawn)
        q = mean_field(image, prior_of_box(width, height, sure), options)
        cases.append({"picture": drawn, "sure": sure, "options": options, "marginals": np.round(q, 5).tolist()})

    filters = []
    for seed, count, dimensions, spread in [(11, 60, 1, 8), (12, 80, 2, 5), (13, 120, 3, 4), (14, 100, 5, 3), (15, 200, 3, 40)]:
        features = lcg(seed, count * dimensions).reshape(count, dimensions).T * spread / 32768
        filters.append({"seed": seed, "count": count, "dimensions": dimensions, "spread": spread,
                        "sums": np.round(kernel_sums(features), 6).tolist()})
    out = pathlib.Path(__file__).parent.parent / "fixtures/denseCrf.json"
    out.write_text(json.dumps({"fields": cases, "filters": filters}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
