import { type Context, Hono } from "hono";
import { asDigest } from "../../artifacts/digest.ts";
import { NotFoundError } from "./notFound.ts";
import type { Pictures } from "./pictures.ts";

/** What has a digest for its address never changes. */
const FOREVER = "private, max-age=31536000, immutable";

/** Cases and their pixels. A picture's address is the number of its case and its own: it does not say where it came from. */
export function caseRoutes(pictures: Pictures): Hono {
  const routes = new Hono();
  routes.get("/:cases", async (context) => {
    const shown = await pictures.shown(asDigest(context.req.param("cases")));
    context.header("cache-control", FOREVER);
    return context.json(shown);
  });
  for (const layer of ["images", "masks"] as const) {
    routes.get(`/:cases/:index{[0-9]+}/${layer}/:number{[0-9]+}`, async (context: Context) => {
      const { cases, index, number } = context.req.param();
      const { dtype, shape, gzipped } = await pictures.pixels(asDigest(cases), Number(index), layer, Number(number));
      return context.body(new Uint8Array(gzipped), 200, {
        "content-type": "application/octet-stream",
        "content-encoding": "gzip",
        "cache-control": FOREVER,
        "x-dtype": dtype,
        "x-shape": shape.join(","),
      });
    });
  }
  routes.all("*", () => {
    throw new NotFoundError("there is nothing under this address");
  });
  return routes;
}
