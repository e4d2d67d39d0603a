import { type Client, WorkflowNotFoundError } from "@temporalio/client";
import { type Context, Hono } from "hono";
import { asDigest } from "../../artifacts/digest.ts";
import { getManifest } from "../../artifacts/manifest.ts";
import type { Store } from "../../artifacts/store.ts";
import { type CampaignSnapshot, listCampaigns, snapshot } from "../../client/campaigns.ts";
import { writeNifti, writeNiftiMask } from "../../methods/imaging/nifti.ts";
import type { CampaignList, CampaignResults, CampaignView } from "../../schemas/review.ts";
import { NotFoundError } from "./notFound.ts";
import { isReadBlind, Results } from "./results.ts";

/** Campaigns, newest first; one of them as it stands; what its finished steps have to show. */
export function campaignRoutes(client: Client, store: Store, enginePage?: string): Hono {
  const routes = new Hono();
  const results = new Results(store);
  routes.get("/", async (context) => {
    const campaigns = (await listCampaigns(client)).map(({ started, finished, ...campaign }) => ({
      ...campaign,
      started: started.getTime(),
      finished: finished?.getTime() ?? null,
    }));
    return context.json(campaigns satisfies CampaignList);
  });
  routes.get("/:campaign", async (context) => {
    const id = context.req.param("campaign");
    const page = enginePage === undefined ? null : `${enginePage.replace(/\/$/, "")}/workflows/${encodeURIComponent(id)}`;
    return context.json({ ...(await stands(client, id)), enginePage: page } satisfies CampaignView);
  });
  routes.get("/:campaign/results", async (context) => {
    const { campaign, steps } = await stands(client, context.req.param("campaign"));
    return context.json((await results.of(campaign, steps)) satisfies CampaignResults);
  });
  routes.get("/:campaign/volumes/:step/:lesion/:layer{(image|mask|reference)\\.nii\\.gz}", async (context: Context) => {
    const { campaign, step, lesion, layer } = context.req.param();
    const { steps } = await stands(client, campaign);
    refuseWhileBlind(steps);
    const { image, mask, reference } = await results.volume(stepOf(steps, step), lesion);
    if (layer.startsWith("reference") && reference === undefined) throw new NotFoundError(`${lesion} has no reference mask`);
    const bytes = layer.startsWith("image") ? writeNifti(image) : writeNiftiMask(layer.startsWith("mask") ? mask : reference!);
    return context.body(new Uint8Array(bytes), 200, { "content-type": "application/gzip" });
  });
  return routes;
}

/** Reports of finished steps, as they lie in the store. */
export function reportRoutes(client: Client, store: Store): Hono {
  const routes = new Hono();
  routes.get("/:campaign/:step/:file{.+}", async (context) => {
    const { campaign, step, file } = context.req.param();
    const { steps } = await stands(client, campaign);
    refuseWhileBlind(steps);
    const { outputs } = stepOf(steps, step);
    for (const output of Object.values(outputs ?? {})) {
      const { type, blobs } = await getManifest(store, asDigest(output));
      const blob = type === "report" ? blobs.find(({ path }) => path === file) : undefined;
      if (blob === undefined) continue;
      return context.body(new Uint8Array(await store.getBlob(asDigest(blob.digest))), 200, { "content-type": blob.mediaType });
    }
    throw new NotFoundError(`step "${step}" has no report with a file ${file}`);
  });
  return routes;
}

async function stands(client: Client, id: string): Promise<CampaignSnapshot> {
  try {
    return await snapshot(client, id);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw new NotFoundError(`there is no campaign "${id}"`);
    throw error;
  }
}

/** @throws NotFoundError */
function refuseWhileBlind(steps: CampaignSnapshot["steps"]): void {
  if (isReadBlind(steps)) throw new NotFoundError("masks by their source are shown when the studies of them have been read");
}

function stepOf(steps: CampaignSnapshot["steps"], name: string): CampaignSnapshot["steps"][number] {
  const step = steps.find((one) => one.name === name);
  if (step === undefined) throw new NotFoundError(`this campaign has no step "${name}"`);
  return step;
}
