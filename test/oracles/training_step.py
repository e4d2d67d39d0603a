"""PyTorch beside recist3d's networks.

  training_step.py fixture            four steps of tiny networks from a formula: test/fixtures/trainingStep.json (stdout)
  training_step.py speed SPEC_JSON    ms per step and forward pass of a network: one JSON line

Kernels are stored as TensorFlow does ([height, width, in, out]; transposed [height, width, out, in]).
"""
import json
import math
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

STAGES = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]


def scaled(channels, width):
    return max(1, int(math.floor(channels * width + 0.5)))


def layers(spec):
    """(name, kind, inputs, outputs) of every layer, in order."""
    width, inputs, result = spec["width"], spec["channels"], []
    if spec["network"] == "hnn":
        for s, (published, convolutions) in enumerate(STAGES, 1):
            outputs = scaled(published, width)
            for k in range(1, convolutions + 1):
                result.append((f"conv{s}_{k}", "conv", inputs, outputs))
                inputs = outputs
            result.append((f"side{s}", "side", inputs, 1))
        return result + [("fuse", "fuse", 5, 1)]
    at = lambda level: scaled(64 * 2 ** (level - 1), width)
    for level in range(1, 5):
        result += [(f"down{level}_1", "conv", inputs, at(level)), (f"down{level}_2", "conv", at(level), at(level))]
        inputs = at(level)
    result += [("bottom_1", "conv", at(4), at(5)), ("bottom_2", "conv", at(5), at(5))]
    for level in (4, 3, 2, 1):
        result += [(f"up{level}", "up", at(level + 1), at(level)), (f"up{level}_1", "conv", 2 * at(level), at(level)), (f"up{level}_2", "conv", at(level), at(level))]
    return result + [("out", "out", at(1), 1)]


def wave(shape, phase):
    """Numbers that both sides can make: sin(12.9898 i + 78.233 phase), i counting elements in row-major order."""
    n = int(np.prod(shape))
    return np.sin(12.9898 * np.arange(n) + 78.233 * phase).reshape(shape)


class Network:
    def __init__(self, spec):
        self.spec, self.layers = spec, layers(spec)
        self.p, self.stats, self.kind = {}, {}, {}
        for index, (name, kind, inputs, outputs) in enumerate(self.layers):
            self.kind[name] = kind
            side = {"conv": 3, "up": 2}.get(kind, 1)
            shape = (side, side, outputs, inputs) if kind == "up" else (side, side, inputs, outputs)
            fan = 9 * inputs if kind == "conv" else inputs
            kernel = (wave(shape, index + 1) * math.sqrt(4 / fan)).astype(np.float32)
            self.p[name + "/kernel"] = torch.from_numpy(kernel).permute(3, 2, 0, 1).contiguous().requires_grad_(True)
            bias = (0.1 * wave((outputs,), index + 0.5)).astype(np.float32)
            if kind == "conv" and spec["norm"] == "batch":
                self.p[name + "/scale"] = torch.from_numpy(1 + bias).requires_grad_(True)
                self.p[name + "/offset"] = torch.from_numpy(bias.copy()).requires_grad_(True)
                self.stats[name] = [torch.zeros(outputs), torch.ones(outputs)]
            else:
                self.p[name + "/bias"] = torch.from_numpy(bias).requires_grad_(True)

    def conv(self, name, x, training):
        kernel = self.p[name + "/kernel"]
        padding = kernel.shape[2] // 2
        if name in self.stats:
            mean, variance = self.stats[name]
            x = F.conv2d(x, kernel, padding=padding)
            x = F.batch_norm(x, mean, variance, self.p[name + "/scale"], self.p[name + "/offset"], training, 0.1, 1e-3)
        else:
            x = F.conv2d(x, kernel, self.p[name + "/bias"], padding=padding)
        return F.relu(x) if self.kind[name] == "conv" else x

    def __call__(self, x, training=True):
        return self.hnn(x, training) if self.spec["network"] == "hnn" else self.unet(x, training)

    def hnn(self, x, training):
        height, width = x.shape[2:]
        sides = []
        for s, (_, convolutions) in enumerate(STAGES):
            if s:
                x = F.max_pool2d(x, 2, ceil_mode=True)
            for k in range(1, convolutions + 1):
                x = self.conv(f"conv{s + 1}_{k}", x, training)
            side = self.conv(f"side{s + 1}", x, training)
            if s:
                side = F.interpolate(side, scale_factor=2**s, mode="bilinear", align_corners=False)
            sides.append(side[:, :, :height, :width])
        return sides + [self.conv("fuse", torch.cat(sides, 1), training)]

    def unet(self, x, training):
        skips = []
        for level in range(1, 5):
            x = self.conv(f"down{level}_2", self.conv(f"down{level}_1", x, training), training)
            skips.append(x)
            x = F.max_pool2d(x, 2, ceil_mode=True)
        x = self.conv("bottom_2", self.conv("bottom_1", x, training), training)
        for level in (4, 3, 2, 1):
            skip = skips[level - 1]
            # [height, width, out, in] permuted by (3, 2, 0, 1) is PyTorch's [in, out, height, width]
            x = F.conv_transpose2d(x, self.p[f"up{level}/kernel"], self.p[f"up{level}/bias"], stride=2)
            x = torch.cat([skip, x[:, :, : skip.shape[2], : skip.shape[3]]], 1)
            x = self.conv(f"up{level}_2", self.conv(f"up{level}_1", x, training), training)
        return [self.conv("out", x, training)]


def loss_of(logits, labels):
    """Equation 1, summed over outputs; 255 is ignored."""
    counted = (labels != 255).float()
    targets = (labels == 1).float()
    total = 0
    for output in logits:
        entropy = F.binary_cross_entropy_with_logits(output[:, 0], targets, reduction="none") * counted
        total = total + (entropy.sum((1, 2)) / counted.sum((1, 2))).mean()
    return total


def case(spec, steps, rate):
    """In double precision: single precision differs from it in the digits that are left out."""
    size, batch = 22, 3
    x = wave((batch, size, size, spec["channels"]), 0.25).astype(np.float32)
    i = np.arange(batch * size * size)
    labels = ((i * 7919) % 13 < 5).astype(np.int64).reshape(batch, size, size)
    labels[((i * 104729) % 17 < 3 + i // (size * size)).reshape(labels.shape)] = 255
    x, labels = torch.from_numpy(x).permute(0, 3, 1, 2).double(), torch.from_numpy(labels)
    network = Network(spec)
    network.p = {name: value.detach().double().requires_grad_(True) for name, value in network.p.items()}
    network.stats = {name: [value.double() for value in pair] for name, pair in network.stats.items()}
    optimiser = torch.optim.Adam(list(network.p.values()), lr=rate, eps=1e-2)
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = loss_of(network(x), labels)
        loss.backward()
        optimiser.step()
        losses.append(round(loss.item(), 6))
    with torch.no_grad():
        prediction = torch.sigmoid(network(x[:1], training=False)[-1]).flatten().numpy()
    return {"spec": spec, "rate": rate, "losses": losses, "prediction": [round(float(p), 5) for p in prediction]}


def fixture():
    torch.set_num_threads(1)
    cases = []
    for network in ("hnn", "unet"):
        cases.append(case({"network": network, "width": 1 / 32, "channels": 2, "norm": "none"}, 4, 2e-2))
        # Batch normalisation over a dozen pixels amplifies rounding from step to step: fewer and smaller ones.
        cases.append(case({"network": network, "width": 1 / 32, "channels": 2, "norm": "batch"}, 2, 5e-4))
    print(json.dumps(cases, separators=(",", ":")))


def speed(spec, size, batch, seconds, threads):
    torch.set_num_threads(threads)
    network = Network(spec)
    x = torch.randn(batch, spec["channels"], size, size)
    labels = torch.randint(0, 2, (batch, size, size))
    optimiser = torch.optim.Adam(list(network.p.values()), lr=1e-4)

    def step():
        optimiser.zero_grad()
        loss = loss_of(network(x), labels)
        loss.backward()
        optimiser.step()
        loss.item()

    def forward():
        with torch.no_grad():
            network(x, training=False)[-1].sum().item()

    def median_ms(f):
        f(), f()
        times, start = [], time.perf_counter()
        while len(times) < 5 or time.perf_counter() - start < seconds:
            t = time.perf_counter()
            f()
            times.append(time.perf_counter() - t)
        return 1000 * sorted(times)[len(times) // 2]

    print(json.dumps({"torch": torch.__version__, "stepMs": median_ms(step), "forwardMs": median_ms(forward)}))


if __name__ == "__main__":
    if sys.argv[1] == "fixture":
        fixture()
    else:
        options = json.loads(sys.argv[2])
        speed(options["spec"], options["size"], options["batch"], options["seconds"], options["threads"])
