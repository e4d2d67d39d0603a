import { NONE } from "./format.ts";
import { type Html, html } from "./html.ts";
import type { ReportData } from "./reportInput.ts";

type Enhancement = ReportData["enhancement"][number];

const stages = { denoise: "G1, denoising", enhance: "G2, enhancement" } as const;
const features = {
  random: "fixed random VGG-16",
  model: "network of this campaign",
  file: "VGG-16 from a file",
} as const;

/** What the stages of the stacked GAN were trained on, and what they reach on pairs that were held out. */
export function enhancementTable(stagesTrained: readonly Enhancement[]): Html {
  const decibels = (value: number | undefined): string => (value === undefined ? NONE : value.toFixed(2));
  return html`<div class="wide"><table><caption>Stages of the stacked GAN (§3.4). PSNR in dB is the mean over pairs of held-out pictures, before and after; degradations are drawn from the ranges trained on, so it is no figure of CT.</caption><thead><tr><th scope="col" class="text">Network</th><th scope="col" class="text">Stage</th><th scope="col" class="text">Trained on</th><th scope="col">Curated CT slices</th><th scope="col">Steps on pixels</th><th scope="col">Adversarial steps</th><th scope="col" class="text">Perceptual loss</th><th scope="col">PSNR of inputs</th><th scope="col">PSNR of results</th></tr></thead><tbody>${stagesTrained.map(
    (one) =>
      html`<tr><th scope="row">${one.name}</th><td class="text">${stages[one.stage]}</td><td class="text">${one.pictures.count} ${one.pictures.origin === "drawn" ? "drawn pictures (no photographs)" : "photographs"}</td><td>${one.slices}</td><td>${one.steps.pretraining}</td><td>${one.steps.adversarial}</td><td class="text">${one.features === null ? "none" : features[one.features]}</td><td>${decibels(one.validation?.inputPsnr)}</td><td>${decibels(one.validation?.psnr)}</td></tr>`,
  )}</tbody></table></div>`;
}
