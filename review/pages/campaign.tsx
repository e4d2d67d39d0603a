import { Notice, Shell } from "./shell.tsx";

export function CampaignPage({ campaign }: { campaign: string }) {
  return (
    <Shell title={campaign}>
      <Notice>…</Notice>
    </Shell>
  );
}
