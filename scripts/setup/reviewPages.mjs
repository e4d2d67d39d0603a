import { builtFromSources } from "./builtFromSources.mjs";

/** The pages of `recist3d review`, built once, so that the first reader does not wait for them. */
export const reviewPages = builtFromSources({
  name: "pages",
  bundler: "review/bundle.ts",
  sources: ["review/pages", "schemas", "report"], // all that pages may import (see .dependency-cruiser.cjs)
  complaint: "The review pages cannot be built: see the message above.",
});
