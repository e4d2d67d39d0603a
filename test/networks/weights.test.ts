import { describe, expect, it } from "vitest";
import { InputError } from "../../methods/inputError.ts";
import { openBackend } from "../../methods/networks/backend.ts";
import { parametersOf } from "../../methods/networks/network.ts";
import { predict } from "../../methods/networks/predict.ts";
import { encodeSafetensors, type Tensor } from "../../methods/networks/safetensors.ts";
import type { NetworkSpec } from "../../methods/networks/spec.ts";
import {
  folded,
  initialWeights,
  loadInitialWeights,
  type Weights,
  weightsDigest,
  weightTensors,
} from "../../methods/networks/weights.ts";
import { randomStream } from "../../methods/random.ts";

const small: NetworkSpec = { network: "hnn", width: 1 / 16, channels: 1, norm: "none" };

describe("initialWeights", () => {
  it("are a function of the seed", () => {
    expect(weightsDigest(initialWeights(small, 1))).toBe(weightsDigest(initialWeights(small, 1)));
    expect(weightsDigest(initialWeights(small, 1))).not.toBe(weightsDigest(initialWeights(small, 2)));
  });

  it("have standard deviation √(2 / fan in) in convolutions, small outputs, fuse 0.2, biases 0", () => {
    const weights = initialWeights({ ...small, width: 0.25 }, 3);
    const sd = (values: Float32Array): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
    expect(sd(weights["conv4_2/kernel"])).toBeCloseTo(Math.sqrt(2 / (9 * 128)), 3);
    expect(sd(weights["side5/kernel"])).toBeCloseTo(0.01, 2);
    expect(weights["fuse/kernel"]).toEqual(new Float32Array(5).fill(0.2));
    expect(weights["conv4_2/bias"]).toEqual(new Float32Array(128));
  });
});

describe("a UNet's output layer", () => {
  const tiny: NetworkSpec = { network: "unet", width: 1 / 16, channels: 1, norm: "none" };
  const sd = (values: Float32Array): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

  it("starts as all others where asked to, which start the same", () => {
    const [small, he] = [initialWeights(tiny, 5), initialWeights(tiny, 5, "he")];
    expect(Object.keys(he).filter((name) => weightsDigest({ a: he[name] }) !== weightsDigest({ a: small[name] }))).toEqual([
      "out/kernel",
    ]);
    expect(sd(he["out/kernel"]) / sd(small["out/kernel"])).toBeCloseTo(Math.sqrt(2 / 4) / 0.01, 3);
  });

  it("does so too where a file gives the weights of other layers", () => {
    const others = Object.fromEntries(
      Object.entries(weightTensors(tiny, initialWeights(tiny, 7))).filter(([name]) => name !== "out/kernel"),
    );
    const { weights } = loadInitialWeights(encodeSafetensors(others), "unet.safetensors", tiny, 5, "he");
    expect(weights["out/kernel"]).toEqual(initialWeights(tiny, 5, "he")["out/kernel"]);
  });
});

describe("loadInitialWeights", () => {
  const spec: NetworkSpec = { network: "hnn", width: 1 / 32, channels: 3, norm: "none" };
  const other = initialWeights(spec, 7);
  const vgg = Object.fromEntries(Object.entries(weightTensors(spec, other)).filter(([name]) => name.startsWith("conv")));

  it("takes what the file has, and starts the rest at random", () => {
    const { weights, loaded, random } = loadInitialWeights(encodeSafetensors(vgg), "vgg.safetensors", spec, 1);
    expect(loaded).toHaveLength(26);
    expect(random).toEqual(Object.keys(other).filter((name) => !name.startsWith("conv")));
    expect(weights["conv3_1/kernel"]).toEqual(other["conv3_1/kernel"]);
    expect(weights["side1/kernel"]).toEqual(initialWeights(spec, 1)["side1/kernel"]);
  });

  it("names the tensor of a wrong shape, and says so when nothing fits", () => {
    const wrong: Tensor = { dtype: "F32", shape: [3, 3, 3, 4], data: new Float32Array(108) };
    expect(() => loadInitialWeights(encodeSafetensors({ "conv1_1/kernel": wrong }), "vgg.safetensors", spec, 1)).toThrow(
      /vgg\.safetensors: tensor conv1_1\/kernel has shape \[3, 3, 3, 4\], expected \[3, 3, 3, 2\]/,
    );
    expect(() => loadInitialWeights(encodeSafetensors({ a: wrong }), "x", spec, 1)).toThrow(InputError);
  });

  it("sums an RGB kernel for a grey network, which equals the grey image three times", async () => {
    const backend = await openBackend({ prefer: "node" });
    const rgb = loadInitialWeights(encodeSafetensors(weightTensors(spec, other)), "x", spec, 1);
    const grey = loadInitialWeights(encodeSafetensors(weightTensors(spec, other)), "x", { ...spec, channels: 1 }, 1);
    const random = randomStream(1, "image");
    const pixels = Float32Array.from({ length: 256 }, () => random.normal());
    const [a] = await predict({ spec, weights: rgb.weights }, backend, [
      { size: 16, pixels: Float32Array.from({ length: 768 }, (_, i) => pixels[Math.floor(i / 3)]) },
    ]);
    const [b] = await predict({ spec: { ...spec, channels: 1 }, weights: grey.weights }, backend, [{ size: 16, pixels }]);
    a.forEach((value, i) => expect(value).toBeCloseTo(b[i], 5));
  });
});

describe("folded", () => {
  it("removes the normalisation: kernel × scale/√(variance + ε), bias = offset − mean × the same (hand computed)", () => {
    const spec: NetworkSpec = { network: "unet", width: 1 / 64, channels: 1, norm: "batch" };
    const weights: Record<string, Float32Array> = { ...initialWeights(spec, 1) };
    weights["down1_1/kernel"] = new Float32Array(9).fill(3);
    weights["down1_1/scale"] = Float32Array.of(2);
    weights["down1_1/offset"] = Float32Array.of(0.5);
    weights["down1_1/mean"] = Float32Array.of(-1);
    weights["down1_1/variance"] = Float32Array.of(0.249);
    const plain = folded(spec, weights as Weights);
    expect(plain.spec.norm).toBe("none");
    expect(plain.weights["down1_1/kernel"][0]).toBeCloseTo(12, 5);
    expect(plain.weights["down1_1/bias"][0]).toBeCloseTo(4.5, 5);
    expect(Object.keys(plain.weights)).toEqual(parametersOf(plain.spec).map(({ name }) => name));
  });

  it("is done once for the same weights, and anew for other ones", () => {
    const spec: NetworkSpec = { network: "hnn", width: 1 / 64, channels: 1, norm: "batch" };
    const [one, other] = [initialWeights(spec, 1), initialWeights(spec, 2)];
    const first = folded(spec, one);
    expect(folded(spec, one).weights).toBe(first.weights);
    expect(folded(spec, one).spec).toEqual(first.spec);
    expect(folded(spec, other).weights["conv1_1/kernel"]).not.toEqual(first.weights["conv1_1/kernel"]);
  });
});
