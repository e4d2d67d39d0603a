"""SRGAN's networks by PyTorch: test/fixtures/sgan.json, and with `speed SPEC_JSON` ms per step of a generator.

Layers are PyTorch's own modules, written from Ledig et al. 2017 (Figure 4) and the paper's supplement; numbers are filled in
by a formula that the test repeats (`wave`). Run: python test/oracles/sgan.py > test/fixtures/sgan.json (torch, numpy)."""
import json
import math
import sys
import time

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

EPSILON = 1e-3


class Block(nn.Module):
    def __init__(self, c, norm):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=not norm), nn.Conv2d(c, c, 3, padding=1, bias=not norm)
        self.norm1 = nn.BatchNorm2d(c, eps=EPSILON, momentum=0.1) if norm else nn.Identity()
        self.norm2 = nn.BatchNorm2d(c, eps=EPSILON, momentum=0.1) if norm else nn.Identity()
        self.act = nn.PReLU(c)

    def forward(self, x):
        return x + self.norm2(self.conv2(self.act(self.norm1(self.conv1(x)))))


class Generator(nn.Module):
    def __init__(self, c, blocks, norm, skip):
        super().__init__()
        self.head, self.act = nn.Conv2d(1, c, 9, padding=4), nn.PReLU(c)
        self.blocks = nn.ModuleList(Block(c, norm) for _ in range(blocks))
        self.body = nn.Conv2d(c, c, 3, padding=1, bias=not norm)
        self.norm = nn.BatchNorm2d(c, eps=EPSILON, momentum=0.1) if norm else nn.Identity()
        self.tail = nn.Conv2d(c, 1, 9, padding=4)
        self.skip = skip

    def forward(self, x):
        head = self.act(self.head(x))
        y = head
        for block in self.blocks:
            y = block(y)
        y = self.tail(head + self.norm(self.body(y)))
        return x + y if self.skip else y


class Discriminator(nn.Module):
    def __init__(self, width, patch):
        super().__init__()
        at = lambda c: max(1, int(math.floor(c * width + 0.5)))
        self.convs, self.norms, inputs, size = nn.ModuleList(), nn.ModuleList(), 1, patch
        for i, (c, stride) in enumerate(zip([64, 64, 128, 128, 256, 256, 512, 512], [1, 2] * 4)):
            self.convs.append(nn.Conv2d(inputs, at(c), 3, stride=stride, bias=i == 0))
            self.norms.append(nn.Identity() if i == 0 else nn.BatchNorm2d(at(c), eps=EPSILON))
            inputs, size = at(c), -(-size // stride)
        self.dense1, self.dense2 = nn.Linear(size * size * inputs, at(1024)), nn.Linear(at(1024), 1)

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms):
            # TensorFlow's SAME: one row more at the end where the stride leaves a remainder.
            size, stride = x.shape[-1], conv.stride[0]
            total = max((-(-size // stride) - 1) * stride + 3 - size, 0)
            x = F.leaky_relu(norm(conv(F.pad(x, (total // 2, total - total // 2) * 2))), 0.2)
        # Flattened with channels last.
        return self.dense2(F.leaky_relu(self.dense1(x.permute(0, 2, 3, 1).flatten(1)), 0.2))


def wave(n, phase):
    return torch.tensor(np.sin(12.9898 * np.arange(n) + 78.233 * phase), dtype=torch.float64)


def named(module):
    """(our name, tensor, its shape in TensorFlow's order, back to PyTorch's) in our order."""
    result = []

    def conv(name, layer):
        w = layer.weight
        result.append((f"{name}/kernel", w, (w.shape[2], w.shape[3], w.shape[1], w.shape[0]), lambda t: t.permute(3, 2, 0, 1)))

    def rest(name, layer, norm, act):
        if isinstance(norm, nn.BatchNorm2d):
            pairs = [("scale", norm.weight), ("offset", norm.bias), ("mean", norm.running_mean), ("variance", norm.running_var)]
        else:
            pairs = [("bias", layer.bias)]
        for role, tensor in pairs + ([("slope", act.weight)] if act else []):
            result.append((f"{name}/{role}", tensor, tuple(tensor.shape), lambda t: t))

    if isinstance(module, Generator):
        conv("head", module.head), rest("head", module.head, None, module.act)
        for i, b in enumerate(module.blocks, 1):
            conv(f"block{i}_1", b.conv1), rest(f"block{i}_1", b.conv1, b.norm1, b.act)
            conv(f"block{i}_2", b.conv2), rest(f"block{i}_2", b.conv2, b.norm2, None)
        conv("body", module.body), rest("body", module.body, module.norm, None)
        conv("tail", module.tail), rest("tail", module.tail, None, None)
    else:
        for i, (c, n) in enumerate(zip(module.convs, module.norms), 1):
            conv(f"conv{i}", c), rest(f"conv{i}", c, n, None)
        for name, layer in (("dense1", module.dense1), ("dense2", module.dense2)):
            result.append((f"{name}/kernel", layer.weight, (layer.in_features, layer.out_features), lambda t: t.T))
            rest(name, layer, None, None)
    return result


def fill(module):
    """Numbers by formula: kernels small, scales, variances and slopes around fixed values."""
    for index, (name, tensor, shape, back) in enumerate(named(module)):
        role, n = name.split("/")[1], int(np.prod(shape))
        fan = int(np.prod(shape[:-1]))
        values = wave(n, index)
        values = {"kernel": values * math.sqrt(2 / fan), "scale": 1 + 0.3 * values, "variance": 1 + 0.5 * values, "slope": 0.25 + 0.1 * values}.get(role, 0.1 * values)
        with torch.no_grad():
            tensor.copy_(back(values.reshape(shape)))
    return module


def count(module):
    return sum(p.numel() for p in module.parameters())


def fixture():
    torch.set_default_dtype(torch.float64)
    result = {"counts": [], "generators": [], "discriminators": [], "steps": []}
    for name, blocks in (("G1", 9), ("G2", 16)):
        result["counts"].append({"name": name, "blocks": blocks, "parameters": count(Generator(64, blocks, True, True))})
    for name, patch in (("D1", 32), ("D2", 128)):
        result["counts"].append({"name": name, "patch": patch, "parameters": count(Discriminator(1, patch))})
    for norm, skip, (h, w) in ((True, True, (11, 14)), (True, False, (9, 9)), (False, True, (13, 8))):
        g = fill(Generator(4, 2, norm, skip)).eval()
        with torch.no_grad():
            y = g(0.5 + 0.5 * wave(h * w, 99).reshape(1, 1, h, w))
        result["generators"].append({"norm": norm, "skip": skip, "height": h, "width": w, "output": y.flatten().tolist()})
    for patch in (16, 18):
        d = fill(Discriminator(1 / 16, patch)).train()
        with torch.no_grad():
            y = d(0.5 + 0.5 * wave(3 * patch * patch, 98).reshape(3, 1, patch, patch))
        result["discriminators"].append({"patch": patch, "output": y.flatten().tolist()})
    # One pre-training step, then one step of each in the adversarial phase: losses, and what Adam made of some weights.
    g, d = fill(Generator(4, 2, True, True)).train(), fill(Discriminator(1 / 16, 16)).train()
    x = 0.5 + 0.5 * wave(2 * 256, 97).reshape(2, 1, 16, 16)
    y = 0.5 + 0.5 * wave(2 * 256, 96).reshape(2, 1, 16, 16)
    og, od = torch.optim.Adam(g.parameters(), 1e-2, eps=1e-2), torch.optim.Adam(d.parameters(), 1e-2, eps=1e-2)
    pixel = F.mse_loss(g(x), y)
    og.zero_grad(), pixel.backward(), og.step()
    result["steps"].append({"pixel": pixel.item()})
    running = [(m, m.running_mean.clone(), m.running_var.clone()) for m in g.modules() if isinstance(m, nn.BatchNorm2d)]
    fake = g(x).detach()
    for m, mean, var in running:  # the discriminator's step does not count for the generator's statistics
        m.running_mean.copy_(mean), m.running_var.copy_(var)
    told = F.softplus(-d(y)).mean() + F.softplus(d(fake)).mean()
    od.zero_grad(), told.backward(), od.step()
    made = g(x)
    pixel, adversarial = F.mse_loss(made, y), F.softplus(-d(made)).mean()
    total = pixel + 0.05 * adversarial
    og.zero_grad(), total.backward(), og.step()
    result["steps"].append({"discriminator": told.item(), "pixel": pixel.item(), "adversarial": adversarial.item(), "total": total.item()})
    g.eval()
    with torch.no_grad():
        result["after"] = g(x[:1]).flatten().tolist()
    print(json.dumps(result))


def speed(spec):
    torch.set_num_threads(spec["threads"])
    c, patch, batch = spec["channels"], spec["patch"], spec["batch"]
    g = Generator(c, spec["blocks"], spec["norm"], True)
    optimiser = torch.optim.Adam(g.parameters(), 1e-4)
    x, y = torch.rand(batch, 1, patch, patch), torch.rand(batch, 1, patch, patch)

    def step():
        loss = F.mse_loss(g(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    def forward():
        with torch.no_grad():
            g(x)

    def median(work):
        for _ in range(2):
            work()
        times, start = [], time.perf_counter()
        while len(times) < 5 or time.perf_counter() - start < spec["seconds"]:
            before = time.perf_counter()
            work()
            times.append(1000 * (time.perf_counter() - before))
        return sorted(times)[len(times) // 2]

    stepping = median(step)
    g.eval()
    print(json.dumps({"stepMs": stepping, "forwardMs": median(forward)}))


fixture() if len(sys.argv) == 1 else speed(json.loads(sys.argv[2]))
