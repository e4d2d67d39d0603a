import { describe, expect, it } from "vitest";
import { InputError } from "../../methods/inputError.ts";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "../../methods/networks/safetensors.ts";
import type { NetworkSpec } from "../../methods/networks/spec.ts";
import { fromTorchVgg, isTorchVgg } from "../../methods/networks/torchVgg.ts";
import { loadInitialWeights } from "../../methods/networks/weights.ts";

/** Features of torchvision's vgg16, from its printed definition: convolutions with outputs, the rest ReLU and pooling. */
const modules = [64, 0, 64, 0, 0, 128, 0, 128, 0, 0, 256, 0, 256, 0, 256, 0, 0, 512, 0, 512, 0, 512, 0, 0, 512, 0, 512, 0, 512];

/** Such a file with every layer a 32nd as wide; each number tells its place. */
function torchFile(inputs = 3): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  let channels = inputs;
  for (const [module, published] of modules.entries()) {
    if (published === 0) continue;
    const outputs = published / 32;
    const weight = new Float32Array(outputs * channels * 9);
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < channels; i++)
        for (let y = 0; y < 3; y++)
          for (let x = 0; x < 3; x++) weight[((o * channels + i) * 3 + y) * 3 + x] = 1000 * o + 10 * i + y + x / 10;
    tensors[`features.${module}.weight`] = { dtype: "F32", shape: [outputs, channels, 3, 3], data: weight };
    tensors[`features.${module}.bias`] = { dtype: "F32", shape: [outputs], data: new Float32Array(outputs).fill(module) };
    channels = outputs;
  }
  tensors["classifier.6.bias"] = { dtype: "F32", shape: [1000], data: new Float32Array(1000) };
  return tensors;
}
const bytesOf = (tensors: Record<string, Tensor>) => encodeSafetensors(tensors);
const fileOf = (tensors: Record<string, Tensor>) => decodeSafetensors(bytesOf(tensors), "vgg16.safetensors");
const spec: NetworkSpec = { network: "hnn", width: 1 / 32, channels: 3, norm: "none" };

describe("VGG-16 as torchvision names it", () => {
  it("starts all thirteen convolutions of an HNN; number by number [out, in, y, x] becomes [y, x, in, out]", () => {
    const { weights, loaded, random } = loadInitialWeights(bytesOf(torchFile()), "vgg16.safetensors", spec, 1);
    expect(loaded).toHaveLength(26);
    expect(random.every((name) => /^(side|fuse)/.test(name))).toBe(true);
    const kernel = weights["conv4_2/kernel"];
    const [inputs, outputs] = [16, 16];
    for (const [y, x, i, o] of [
      [0, 0, 0, 0],
      [0, 2, 3, 5],
      [2, 1, 15, 15],
    ])
      expect(kernel[((y * 3 + x) * inputs + i) * outputs + o]).toBeCloseTo(1000 * o + 10 * i + y + x / 10, 2);
    expect([...weights["conv4_2/bias"]]).toEqual(new Array(16).fill(19));
    expect([...weights["conv5_3/bias"]]).toEqual(new Array(16).fill(28));
  });

  it.each([1, 2])("shares the first kernel's sum over RGB out to %i channels", (channels) => {
    const { weights } = loadInitialWeights(bytesOf(torchFile()), "vgg16.safetensors", { ...spec, channels }, 1);
    // Output 1, y = 1, x = 2 of R, G and B: 1001.2 + 1011.2 + 1021.2.
    const at = (1 * 3 + 2) * channels * 2 + 1;
    for (let c = 0; c < channels; c++) expect(weights["conv1_1/kernel"][at + 2 * c]).toBeCloseTo(3033.6 / channels, 2);
  });

  it("is told from others by its first kernel, and refused with batch normalisation, gaps or other kernels", () => {
    const tensors = torchFile();
    expect(isTorchVgg(fileOf(tensors))).toBe(true);
    expect(isTorchVgg(fileOf({ a: tensors["features.0.bias"] }))).toBe(false);
    const refused = (changed: Record<string, Tensor | undefined>, reason: RegExp): void => {
      const kept = Object.entries({ ...tensors, ...changed }).filter(
        (entry): entry is [string, Tensor] => entry[1] !== undefined,
      );
      const read = (): unknown => fromTorchVgg(fileOf(Object.fromEntries(kept)), "vgg16.safetensors");
      expect(read).toThrow(InputError);
      expect(read).toThrow(reason);
    };
    refused({ "features.1.weight": tensors["features.0.bias"] }, /batch normalisation.*vgg16_bn/);
    refused({ "features.12.bias": undefined }, /tensor features\.12\.bias is missing/);
    refused({ "features.2.weight": { ...tensors["features.2.weight"], shape: [2, 18] } }, /features\.2\.weight has shape/);
  });
});
