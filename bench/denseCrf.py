"""The authors' side of bench/denseCrf.ts: cases come as JSON lines on stdin, times and marginals go back as JSON lines.

Times are those of building both lattices and of mean field. Needs numpy and pydensecrf (or pydensecrf2).
"""
import json
import pathlib
import sys
import time

import numpy as np

sys.path.append(str(pathlib.Path(__file__).parent.parent / "test/oracles"))
from dense_crf import mean_field  # noqa: E402

for line in sys.stdin:
    case = json.loads(line)
    shape = (case["height"], case["width"])
    image = np.array(case["image"], np.uint8).reshape(shape)
    prior = np.array(case["prior"]).reshape(shape)
    milliseconds = []
    for _ in range(case["repeats"]):
        start = time.perf_counter()
        marginals = mean_field(image, prior, case["options"])
        milliseconds.append((time.perf_counter() - start) * 1000)
    print(json.dumps({"milliseconds": milliseconds, "marginals": marginals.tolist()}), flush=True)
