import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { picture, subject, tell } from "../state.ts";
import type { Movement, Subject } from "../subject.ts";
import { Cloud } from "./cloud.tsx";

/** The layer that is shown: a number of `Movement.taps`, and a fraction while pictures move to the next. */
const place = signal(0);
const isPlaying = signal(false);
const isLoading = signal(false);

/** How long pictures take from a layer to the next, in milliseconds. */
const PACE = 1100;
/** As few pictures make no cloud. */
const FEWEST = 3;

/** The paper's figures 1 and 2: pictures as points that move from layer to layer. */
export function Play() {
  const current = subject.value;
  const movement = current?.movement.value;
  useEffect(() => {
    isPlaying.value = false;
    place.value = 0;
  }, [current]);
  useEffect(() => (isPlaying.value && movement !== undefined ? run(movement) : undefined), [isPlaying.value, movement]);
  if (current === undefined) return null;
  const last = (movement?.taps.length ?? 1) - 1;
  const isTooFew = current.pictures.length < FEWEST;
  return (
    <section>
      <h2>Pictures on their way through the layers</h2>
      <p>
        To a layer, a picture is one point in a space with as many dimensions as the layer has numbers. The plane shown
        is the one in which the pictures differ most. Watch pictures of one class draw together, and click one to follow
        it.
      </p>
      <div class="row">
        <button
          type="button"
          class="main"
          disabled={isTooFew || isLoading.value || current.isRun}
          onClick={() => play(current, movement, last)}
        >
          {isPlaying.value ? "Pause" : "Play"}
        </button>
        <label class="layer">
          Layer{" "}
          <input
            type="range"
            min={0}
            max={last}
            step="any"
            value={place.value}
            disabled={movement === undefined}
            aria-valuetext={movement?.taps[Math.round(place.value)] ?? "none"}
            onInput={({ currentTarget }) => {
              isPlaying.value = false;
              place.value = Number(currentTarget.value);
            }}
            onKeyDown={(event) => stepByKey(event, last)}
          />
        </label>
        <b class="value">
          {movement === undefined
            ? isLoading.value
              ? "Looking where the pictures are …"
              : current.isRun
                ? "For this, open the network and the pictures of the run."
                : isTooFew
                  ? `A cloud needs at least ${FEWEST} pictures.`
                  : ""
            : `${movement.taps[Math.round(place.value)]}, ${Math.round(place.value) + 1} of ${last + 1}`}
        </b>
      </div>
      {movement !== undefined && (
        <Cloud
          pictures={current.pictures}
          movement={movement}
          place={place.value}
          followed={picture.value}
          follow={(number) => {
            picture.value = number;
          }}
        />
      )}
    </section>
  );
}

async function play(of: Subject, movement: Movement | undefined, last: number): Promise<void> {
  if (isPlaying.value) {
    isPlaying.value = false;
    return;
  }
  if (movement === undefined) {
    isLoading.value = true;
    try {
      await of.followPictures();
    } catch (cause) {
      return tell(cause);
    } finally {
      isLoading.value = false;
    }
  } else if (place.value >= last) place.value = 0;
  isPlaying.value = true;
}

/** Moves the pictures on, until the last layer; the result ends it. Where motion is to be reduced, they go by whole layers. */
function run({ taps }: Movement): () => void {
  const inSteps = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const [started, from] = [performance.now(), place.peek()];
  let next = 0;
  const draw = (now: number) => {
    const at = Math.min(taps.length - 1, from + Math.max(0, now - started) / PACE);
    place.value = inSteps ? Math.floor(at) : at;
    if (at >= taps.length - 1) isPlaying.value = false;
    else next = requestAnimationFrame(draw);
  };
  next = requestAnimationFrame(draw);
  return () => cancelAnimationFrame(next);
}

/** The keys go from layer to layer. */
function stepByKey(event: KeyboardEvent, last: number): void {
  const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  isPlaying.value = false;
  place.value = Math.max(0, Math.min(last, Math.round(place.value) + by));
}
