import type { Client } from "@temporalio/client";
import { Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { secureHeaders } from "hono/secure-headers";
import { StoreInputError } from "../../artifacts/errors.ts";
import type { Store } from "../../artifacts/store.ts";
import { NoReadingError, NotNowError, RefusedError } from "../../client/readings.ts";
import { InputError } from "../../methods/inputError.ts";
import { type Access, guard } from "./access.ts";
import type { Asset } from "./assets.ts";
import { campaignRoutes, reportRoutes } from "./campaigns.ts";
import { caseRoutes } from "./cases.ts";
import { maskRoutes } from "./masks.ts";
import { NotFoundError } from "./notFound.ts";
import { Pictures } from "./pictures.ts";
import { readingRoutes } from "./readings.ts";

export interface ReviewParts {
  readonly client: Client;
  readonly store: Store;
  readonly access: Access;
  /** The built pages (see review/bundle.ts). */
  readonly assets: ReadonlyMap<string, Asset>;
  /** How long the engine, or a worker for it, may take to answer; then the page is told that it is away. Default 10 s. */
  readonly patienceMs?: number;
  /** Address of the engine's own web page, where it has one, e.g. "https://temporal.example/namespaces/default". */
  readonly enginePage?: string;
}

/** Answers of a reading travel in messages of at most 500 entries. */
const MAX_MESSAGE_BYTES = 256 * 1024;
/**
 * A mask travels by itself, as runs: what of a row is lesion takes at most 16 bytes with what lies before it
 * ("0,100000,1,400,"). So the largest is a whole CT of 1024 slices of 512 rows with two such stretches in every row.
 */
const MAX_STRETCHES = 1024 * 512 * 2;
const MAX_MASK_BYTES = 16 * MAX_STRETCHES;

/** The review web app: pages, and what they ask for under /api. It keeps nothing: answers lie in workflows, pictures in the store. */
export function reviewApp({ client, store, access, assets, patienceMs = 10_000, enginePage }: ReviewParts): Hono {
  const app = new Hono();
  // A report is one page with its styles and pictures in it, and runs nothing.
  app.use("/reports/*", async (context, next) => {
    await next();
    context.header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:");
  });
  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", "data:", "blob:"],
        connectSrc: ["'self'", "data:", "blob:"],
        workerSrc: ["'self'", "blob:"],
        fontSrc: ["'self'", "data:"],
        frameSrc: ["'self'"],
        formAction: ["'none'"],
        baseUri: ["'none'"],
        frameAncestors: ["'self'"],
      },
      strictTransportSecurity: false,
      referrerPolicy: "no-referrer",
      xFrameOptions: "SAMEORIGIN",
    }),
  );
  app.use(guard(access));
  app.use("/api/*", async (context, next) => {
    await next();
    if (!context.res.headers.has("cache-control")) context.header("cache-control", "no-store");
  });
  const messageLimit = atMost(MAX_MESSAGE_BYTES, "this message is too long");
  const maskLimit = atMost(
    MAX_MASK_BYTES,
    `this mask is too ragged to be sent: at most ${MAX_STRETCHES.toLocaleString("en")} stretches of pixels in a row, about 16 MiB`,
  );
  app.use("/api/*", (context, next) => (/^\/api\/masks(\/|$)/.test(context.req.path) ? maskLimit : messageLimit)(context, next));

  app.use("/api/*", (_context, next) => client.withDeadline(Date.now() + patienceMs, next));
  app.route("/api/readings", readingRoutes(client, store));
  app.route("/api/campaigns", campaignRoutes(client, store, enginePage));
  app.route("/reports", reportRoutes(client, store));
  const pictures = new Pictures(store);
  app.route("/api/cases", caseRoutes(pictures));
  app.route("/api/masks", maskRoutes(store, pictures));
  app.all("/api/*", (context) => context.json({ error: "there is nothing under this address" }, 404));

  app.get("/assets/*", (context) => {
    const asset = assets.get(context.req.path.slice(1));
    if (asset === undefined) return context.text("there is no such file", 404);
    return context.body(asset.bytes, 200, {
      "content-type": asset.mediaType,
      "cache-control": "private, max-age=31536000, immutable",
    });
  });
  // Every other address is one of the pages: which, the script in it knows.
  app.get("*", (context) => {
    const page = assets.get("index.html")!;
    return context.body(page.bytes, 200, { "content-type": page.mediaType, "cache-control": "no-cache" });
  });

  app.onError((error, context) => {
    const { status, message } = told(error);
    if (status === 500) console.error(error);
    return context.json({ error: message }, status);
  });
  return app;
}

/** Refuses longer bodies, in these words. */
function atMost(maxSize: number, error: string): MiddlewareHandler {
  return bodyLimit({ maxSize, onError: (context) => context.json({ error }, 413) });
}

/** What a person is told of an error. */
function told(error: Error): { status: 400 | 404 | 409 | 500 | 503; message: string } {
  if (error instanceof RefusedError) return { status: 409, message: error.message };
  if (error instanceof NoReadingError || error instanceof NotFoundError) return { status: 404, message: error.message };
  if (error instanceof InputError || error instanceof StoreInputError) return { status: 400, message: error.message };
  if (error instanceof HTTPException && error.status === 400) return { status: 400, message: error.message };
  if (error instanceof NotNowError) return { status: 503, message: error.message };
  // gRPC: the engine is away, or no worker answers for the workflow at the moment. Both come back.
  if (["ServiceError", "QueryRejectedError", "WorkflowUpdateRPCTimeoutOrCancelledError"].includes(error.name))
    return { status: 503, message: `the engine does not answer at the moment (${error.message})` };
  return { status: 500, message: "the server failed; what it says of it stands where recist3d review runs" };
}
