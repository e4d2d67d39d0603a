import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable"];

/** A real browser without a window. @throws Error that says what to install, where there is none. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env.RECIST3D_CHROMIUM || PLACES.find((place) => existsSync(place));
  if (executablePath === undefined)
    throw new Error("these tests need Chromium: install it (apt-get install chromium) or name one by RECIST3D_CHROMIUM");
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}
