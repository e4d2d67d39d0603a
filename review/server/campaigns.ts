import { type Client, WorkflowNotFoundError } from "@temporalio/client";
import { Hono } from "hono";
import { listCampaigns, snapshot } from "../../client/campaigns.ts";
import type { CampaignList } from "../../schemas/review.ts";
import { NotFoundError } from "./notFound.ts";

/** Campaigns, newest first, and one of them as it stands. */
export function campaignRoutes(client: Client): Hono {
  const routes = new Hono();
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
    try {
      return context.json(await snapshot(client, id));
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw new NotFoundError(`there is no campaign "${id}"`);
      throw error;
    }
  });
  return routes;
}
