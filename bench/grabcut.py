"""The OpenCV side of bench/grabcut.ts: cases come as JSON lines on stdin, times and regions go back as JSON lines.

The time is that of cv2.grabCut alone, on one thread, in milliseconds of the process's CPU time.
"""
import base64
import json
import sys
import time

import cv2
import numpy as np

cv2.setNumThreads(1)
for line in sys.stdin:
    case = json.loads(line)
    shape = (case["height"], case["width"])
    image = np.frombuffer(base64.b64decode(case["image"]), np.uint8).reshape(shape)
    colour = np.repeat(image[..., None], 3, -1)
    regions = np.frombuffer(base64.b64decode(case["trimap"]), np.uint8).reshape(shape).copy()
    cv2.setRNGSeed(1)
    start = time.process_time()
    cv2.grabCut(colour, regions, None, np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_MASK)
    milliseconds = (time.process_time() - start) * 1000
    answer = {"version": cv2.__version__, "milliseconds": milliseconds, "regions": base64.b64encode(regions.tobytes()).decode()}
    print(json.dumps(answer), flush=True)
