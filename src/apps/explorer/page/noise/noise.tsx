import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { formatNumber, formatShare } from "../../../../base/index.ts";
import { type NoiseKind, noises } from "../../../../images/index.ts";
import { Canvas } from "../look/canvas.tsx";
import { count, runHere } from "../own/computing.ts";
import { running } from "../own/work.ts";
import { Drawing } from "../spectra/drawing.tsx";
import { picture, subject, tap, tell } from "../state.ts";
import { type Noisy, spectrumKey } from "../subject.ts";

/** The strengths between which the slider goes, from none to much. */
const strengths: Readonly<Record<NoiseKind, readonly [none: number, much: number]>> = {
  gaussian: [0, 0.5],
  uniform: [0, 0.8],
  "salt-and-pepper": [0, 0.5],
  blur: [0, 6],
  jpeg: [100, 1],
};
const kinds = Object.keys(strengths) as NoiseKind[];
/** So long after the slider has stopped, the network is asked. In milliseconds. */
const SETTLES = 150;

const kind = signal<NoiseKind>("gaussian");
/** From 0 for none to 1 for much. */
const amount = signal(0);
const found = signal<Noisy | undefined>(undefined);

/** A picture with noise: what the network says of it, and how its spectrum changes. */
export function Noise() {
  const shown = subject.value;
  const [none, much] = strengths[kind.value];
  const level = none + amount.value * (much - none);
  const [at, to, k] = [picture.value, tap.value, count.value];
  useEffect(() => {
    found.value = undefined;
    if (amount.value === 0 || shown?.withNoise === undefined) return;
    const controller = new AbortController();
    const ask = async () => {
      found.value = await shown.withNoise!(at, { kind: kind.value, level, to, k }, controller.signal);
    };
    const waiting = setTimeout(() => ask().catch(tell), SETTLES);
    return () => {
      clearTimeout(waiting);
      controller.abort();
    };
  }, [shown, at, to, k, kind.value, level]);
  if (shown === undefined) return null;
  return (
    <section>
      <h2>Add noise</h2>
      <p>Noise can turn the class, and it changes the spectrum at {to}. How does either go with its strength?</p>
      {shown.withNoise === undefined ? (
        <RunHere />
      ) : (
        <>
          <div class="row">
            <label>
              Kind of noise{" "}
              <select
                value={kind.value}
                onChange={({ currentTarget }) => (kind.value = currentTarget.value as NoiseKind)}
              >
                {kinds.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>
            <label class="layer">
              Strength{" "}
              <input
                type="range"
                min={0}
                max={1}
                step={0.02}
                value={amount.value}
                aria-valuetext={`${formatNumber(level, 2)}: ${noises[kind.value].strength}`}
                onInput={({ currentTarget }) => (amount.value = Number(currentTarget.value))}
              />
            </label>
            <span>
              <b class="value">{formatNumber(level, 2)}</b> <span class="soft">{noises[kind.value].strength}</span>
            </span>
          </div>
          {found.value !== undefined && <Found noisy={found.value} name={`${kind.value} ${formatNumber(level, 2)}`} />}
          {found.value === undefined && amount.value > 0 && <p class="soft">Computing at the noisy picture …</p>}
        </>
      )}
    </section>
  );
}

/** What to do where the network is not here. */
function RunHere() {
  if (subject.value!.isRun) return <p class="soft">For this, open the network and the pictures of the run.</p>;
  return (
    <p class="row">
      <button type="button" disabled={running.value !== undefined} onClick={runHere}>
        Run the network here
      </button>
      <span class="soft">What is shown was computed beforehand. Spectra are then computed here too.</span>
    </p>
  );
}

function Found({ noisy, name }: { readonly noisy: Noisy; readonly name: string }) {
  const { predicted, spectra, network } = { ...subject.value!, ...subject.value!.pictures[picture.value]! };
  const before = spectra.value.get(spectrumKey(picture.value, tap.value));
  const curves = [
    ...(before === undefined ? [] : [{ tap: "no noise", units: [{ input: "no noise", unit: before }] }]),
    { tap: name, units: [{ input: name, unit: noisy.spectrum }] },
  ];
  return (
    <div class="noisy">
      <figure>
        <Canvas pixels={noisy.pixels} label={`With noise: ${name}`} />
        <figcaption>With noise: {name}</figcaption>
      </figure>
      <div>
        {noisy.predicted !== undefined && (
          <p class="verdict">
            The network says <b class="class">{noisy.predicted.name}</b> ({formatShare(noisy.predicted.share)})
            {predicted !== undefined && predicted !== noisy.predicted.name && `; without noise: ${predicted}`}
          </p>
        )}
        <Drawing units={curves} from={network.source.name} />
      </div>
    </div>
  );
}
