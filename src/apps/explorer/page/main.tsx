import { render } from "preact";
import { plural } from "../../../base/index.ts";
import { App } from "./app.tsx";
import { workOffline } from "./offline.ts";
import { takeAddresses } from "./own/take.ts";
import { openScene } from "./scene.ts";
import { followChoices, notice, show, tell } from "./state.ts";
import "./style.css";

const place = document.getElementById("app")!;
place.replaceChildren();
render(<App />, place);
followChoices();

const runs = new URLSearchParams(location.search).getAll("run");
const begin = async (): Promise<void> => {
  if (runs.length > 0) return takeAddresses(runs);
  const scene = await openScene();
  show(scene);
  const text = `The example is shown: ${scene.network.name} with ${plural(scene.pictures.length, "picture")}, computed beforehand.`;
  notice.value = { kind: "ready", text };
};
begin().catch(tell);
workOffline().catch((cause: unknown) => console.warn("The page does not work offline.", cause));
