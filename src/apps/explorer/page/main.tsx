import { render } from "preact";
import { App } from "./app.tsx";
import { openScene } from "./scene.ts";
import { followChoices, notice, show, tell } from "./state.ts";
import "./style.css";

const place = document.getElementById("app")!;
place.replaceChildren();
render(<App />, place);
followChoices();
openScene()
  .then((scene) => {
    show(scene);
    notice.value = {
      kind: "ready",
      text: `The example is shown: ${scene.network.name} with ${scene.pictures.length} pictures.`,
    };
  })
  .catch(tell);
