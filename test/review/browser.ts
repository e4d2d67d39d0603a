import { type Browser, chromium } from "playwright-core";
import { findChromium } from "./chromium.ts";

/** A real browser without a window; WebGL is computed, not drawn by a GPU. */
export async function openBrowser(): Promise<Browser> {
  const { program, environment } = findChromium();
  return chromium.launch({
    executablePath: program,
    env: { ...(process.env as Record<string, string>), ...environment },
    args: ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
  });
}
