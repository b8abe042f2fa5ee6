import { formatShare } from "../../../../base/index.ts";
import { vectorPicture } from "../../../../figures/index.ts";
import { direction, frame, picture, subject } from "../state.ts";
import { isInnerSource } from "../subject.ts";
import { Canvas } from "./canvas.tsx";
import { Pictures } from "./pictures.tsx";
import { Scores } from "./scores.tsx";
import { StepSlider } from "./step-slider.tsx";
import { Vectors } from "./vectors.tsx";

/** The largest side of a vector's picture, in pixels. */
const SIDE = 320;

/** A picture, a direction in which it is changed, and what the network answers. */
export function Look() {
  const shown = subject.value;
  const facts = shown?.pictures[picture.value];
  if (shown === undefined || facts === undefined) return null;
  const { network } = shown;
  const pixels = frame.value?.pixels() ?? facts.pixels;
  const isInner = isInnerSource(network);
  return (
    <section class="look">
      <h2>Move a picture, see the answer</h2>
      <Pictures />
      <PictureLine />
      <div class="moving">
        <div>
          <Vectors />
          <StepSlider />
          <div class="scene">
            <figure>
              <Canvas pixels={pixels} label={`The picture ${facts.name}, changed by the step`} />
              <figcaption>
                The picture
                {isInner
                  ? `; the step changes ${network.source.name}`
                  : frame.value !== undefined && frame.value.epsilon !== 0
                    ? " plus ε times the vector"
                    : ""}
              </figcaption>
            </figure>
            <VectorOver />
          </div>
        </div>
        <Scores />
      </div>
    </section>
  );
}

/** Which picture of which network is looked at, its true class, and what the network makes of it without a step. */
function PictureLine() {
  const { network, pictures } = subject.value!;
  const { name, label, isRight, predicted, top } = pictures[picture.value]!;
  return (
    <p class="soft facts">
      <b>{name}</b> in {network.name}
      {label !== undefined && `; true class ${label}`}
      {isRight === false && predicted !== undefined && `, but the network says ${predicted}`}
      {top !== undefined &&
        `; most probable without a step: ${top.map(({ name, share }) => `${name} (${formatShare(share).replaceAll(" ", "\u00a0")})`).join(", ")}`}
    </p>
  );
}

function VectorOver() {
  const { network } = subject.value!;
  const { pixels, name } = subject.value!.pictures[picture.value]!;
  const { v, shape } = direction.value ?? {};
  const drawn = v === undefined ? undefined : vectorPicture(v, shape!, SIDE);
  return (
    <figure class="over">
      <div>
        <Canvas pixels={pixels} label={`The picture ${name}, faded`} />
        {drawn !== undefined && (
          <img
            src={drawn.href}
            class={drawn.width <= 96 ? "coarse" : ""}
            alt="The vector: where it makes values larger or smaller"
          />
        )}
      </div>
      <figcaption>
        The vector{isInnerSource(network) ? ` at ${network.source.name}` : ""}: <span class="plus">red</span> makes{" "}
        {isInnerSource(network) ? "larger" : "brighter"}, <span class="minus">blue</span>{" "}
        {isInnerSource(network) ? "smaller" : "darker"}
      </figcaption>
    </figure>
  );
}
