import { Learn } from "./learn/learn.tsx";
import { Live } from "./live/live.tsx";
import { Look } from "./look/look.tsx";
import { Noise } from "./noise/noise.tsx";
import { Drop } from "./own/drop.tsx";
import { Own } from "./own/own.tsx";
import { PicturesTable } from "./pictures/pictures-table.tsx";
import { Play } from "./play/play.tsx";
import { Spectra } from "./spectra/spectra.tsx";
import { WorkBar } from "./work-bar.tsx";

export function App() {
  return (
    <>
      <header>
        <div>
          <h1>What does a network stretch, and what does it erase?</h1>
          <p class="lead">
            Each picture has directions in which a small change grows on its way through a network, and others in which
            it fades. These are the singular vectors of the network’s Jacobian J.
          </p>
          <p class="soft">
            <a href="docs/how-it-works.html">How it works</a> · <a href="docs/paper.html">The paper, claim by claim</a>{" "}
            · <a href="README.html">Pushforward</a>
          </p>
        </div>
        <Own />
      </header>
      <WorkBar />
      <main>
        <Live />
        <Look />
        <Spectra />
        <Play />
        <PicturesTable />
        <Noise />
        <Learn />
      </main>
      <Drop />
    </>
  );
}
