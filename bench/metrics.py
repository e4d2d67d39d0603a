"""Times the judges of test/oracles/metrics.py for bench/metrics.ts: a line of JSON in, a line of JSON out, one thread."""

import base64
import json
import pathlib
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test" / "oracles"))
import metrics  # noqa: E402

metrics.sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)

for line in sys.stdin:
    case = json.loads(line)
    a, b = (
        np.frombuffer(base64.b64decode(case[name]), dtype=np.uint8).reshape(case["dims"][::-1]) != 0
        for name in ("prediction", "reference")
    )
    answer = {}
    for name, judge in metrics.JUDGES.items():
        start = time.perf_counter()
        judge(a, b, case["spacingMm"][::-1])
        answer[name] = 1000 * (time.perf_counter() - start)
    print(json.dumps(answer), flush=True)
