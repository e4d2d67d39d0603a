import { render } from "preact";
import { useEffect } from "preact/hooks";
import { CampaignPage } from "./campaign.tsx";
import { Home } from "./home.tsx";
import { ReadingPage } from "./reading.tsx";
import { path } from "./router.ts";

/** The page at the current path. */
function App() {
  const [, room, name] = path.value.split("/");
  const id = name === undefined ? "" : decodeURIComponent(name);
  const title = room === "readings" || room === "campaigns" ? id : "what waits";
  useEffect(() => {
    document.title = `${title} · recist3d`;
  }, [title]);
  if (room === "readings" && id !== "") return <ReadingPage key={id} workflow={id} />;
  if (room === "campaigns" && id !== "") return <CampaignPage key={id} campaign={id} />;
  return <Home />;
}

render(<App />, document.getElementById("app")!);
