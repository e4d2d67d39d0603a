import { type Client, WorkflowNotFoundError } from "@temporalio/client";

/** A campaign cannot go on by itself: today's workflow code does something else than the code that began it. */
export class CampaignStuckError extends Error {
  override readonly name = "CampaignStuckError";

  constructor(campaign: string, { workflow, reason }: StuckWorkflow) {
    super(
      `campaign "${campaign}" cannot go on: ${workflow} was begun by other code, and today's does something else (${reason}) — ` +
        `go back to that code, or: recist3d cancel ${campaign} --force, then run it again: everything finished is reused`,
    );
  }
}

export interface StuckWorkflow {
  readonly workflow: string;
  /** In the engine's words. */
  readonly reason: string;
}

/** A workflow task that has failed so often will fail again. */
const ATTEMPTS = 3;

/** The workflows of a campaign that run: its own and those of its steps. */
export async function runningWorkflows(client: Client, campaign: string): Promise<string[]> {
  const running: string[] = [];
  const query = `ExecutionStatus = 'Running' AND (WorkflowId = '${campaign}' OR WorkflowId STARTS_WITH '${campaign}/')`;
  for await (const { workflowId } of client.workflow.list({ query })) running.push(workflowId);
  return running;
}

/** The first of a campaign's workflows of which the tasks fail again and again, or null. */
export async function stuckWorkflow(client: Client, campaign: string): Promise<StuckWorkflow | null> {
  for (const workflow of await runningWorkflows(client, campaign)) {
    const reason = await failingTask(client, workflow);
    if (reason !== null) return { workflow, reason };
  }
  return null;
}

async function failingTask(client: Client, workflow: string): Promise<string | null> {
  try {
    const handle = client.workflow.getHandle(workflow);
    const { pendingWorkflowTask } = (await handle.describe()).raw;
    if ((pendingWorkflowTask?.attempt ?? 0) < ATTEMPTS) return null;
    const { events } = await handle.fetchHistory();
    // Of attempts that fail one after the other, the history has the first.
    const last = events?.findLast(
      (event) => event.workflowTaskFailedEventAttributes || event.workflowTaskCompletedEventAttributes,
    );
    return last?.workflowTaskFailedEventAttributes?.failure?.message ?? null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
