import { meanSd } from "./format.ts";
import { type Html, html } from "./html.ts";
import type { ReportData } from "./reportInput.ts";

/** PSNR and SSIM of a set of pictures, task after task. */
export function qualityTable({ name, images, origin, rows }: ReportData["quality"][number]): Html {
  const of = origin === "drawn" ? "drawn pictures, no photographs" : "photographs";
  return html`<h3>${name}</h3>
<div class="wide"><table><caption>${images} ${of}: mean ± sd of PSNR in dB and of SSIM against the true picture; where nothing differs, PSNR is undefined.</caption><thead><tr><th scope="col" class="text">Task</th><th scope="col" class="text">Method</th><th scope="col">n</th><th scope="col">PSNR</th><th scope="col">SSIM</th></tr></thead><tbody>${rows.map(
    ({ task, method, psnr, ssim }) =>
      html`<tr><th scope="row">${task}</th><td class="text">${method}</td><td>${ssim.n}</td><td>${meanSd(psnr.mean, psnr.sd, 2)}${psnr.undefined > 0 && html`<small>${psnr.undefined} undefined</small>`}</td><td>${meanSd(ssim.mean, ssim.sd)}</td></tr>`,
  )}</tbody></table></div>`;
}
