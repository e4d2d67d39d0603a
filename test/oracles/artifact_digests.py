"""Digests that test/artifacts expects, computed without recist3d: SHA-256 over JSON with sorted keys and no white space."""
import hashlib
import json


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()



manifest = {
    "type": "model",
    "schemaVersion": 1,
    "meta": {f"key-{i}": i for i in range(5)},
    "blobs": [{"path": f"file-{i}", "digest": sha256(str(i).encode()), "size": 1, "mediaType": "text/plain"} for i in range(5)],
}
action = {
    "kind": "network.train",
    "kindVersion": 1,
    "params": {"network": "hnn", "optimizer": {"adam": {"rate": 5e-05}}, "epochs": 3, "augment": True, "note": "µ"},
    "inputs": {"labels": "b" * 64, "images": "a" * 64},
    "fingerprint": "tfjs-node 4.22.0",
}
for name, value in [
    ("manifest", manifest),
    ("action", action),
    ("part 0 of the action", {**action, "part": 0}),
    ("no inputs, no parameters", {**action, "params": {}, "inputs": {}}),
]:
    # Python writes 5e-05 where ECMAScript writes 0.00005.
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).replace("5e-05", "0.00005")
    print(sha256(text.encode()), name)
