import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { formatNumber, formatShape } from "../../../../base/index.ts";
import { chooseSource } from "../own/computing.ts";
import { chooseTap, picture, subject, tap, tell } from "../state.ts";
import { spectrumKey, type TapFacts } from "../subject.ts";
import { ofInterest } from "./interest.ts";
import type { TapGraph } from "./tap-graph.ts";

/** The taps of the network in their order, as a graph where it branches. One is looked at; those with a tick are computed. */
export function Taps() {
  const { network } = subject.value!;
  const graph = useGraph(network.taps);
  return (
    <div class={graph === undefined ? "taps" : "taps branching"}>
      <h3 id="taps">Taps</h3>
      <p class="soft">
        A tap is a place in the network where its numbers can be read. Choose one.
        {graph !== undefined && <> Lines lead down to the taps that are computed from it.</>}
      </p>
      {network.sources !== undefined && (
        <label class="source">
          Changes begin at{" "}
          <select value={network.source.name} onChange={({ currentTarget }) => chooseSource(currentTarget.value)}>
            {network.sources.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      {graph === undefined ? (
        <ul aria-labelledby="taps">
          {network.taps.map((facts) => (
            <Tap key={facts.name} facts={facts} />
          ))}
        </ul>
      ) : (
        <Branches taps={network.taps} graph={graph} />
      )}
    </div>
  );
}

/** The graph of taps that branch; undefined for a chain, and until it is laid out, for which its program is loaded first. */
function useGraph(taps: readonly TapFacts[]): TapGraph | undefined {
  const [layOut, setLayOut] = useState<typeof import("./tap-graph.ts")["tapGraph"] | undefined>(undefined);
  const isBranching = useMemo(() => branches(taps), [taps]);
  useEffect(() => {
    if (isBranching) import("./tap-graph.ts").then(({ tapGraph }) => setLayOut(() => tapGraph)).catch(tell);
  }, [isBranching]);
  return useMemo(() => (isBranching ? layOut?.(taps) : undefined), [taps, isBranching, layOut]);
}

/** Whether two taps are computed from one, or one from two. */
function branches(taps: readonly TapFacts[]): boolean {
  const reached = taps.flatMap(({ next = [] }) => next);
  return taps.some(({ next = [] }) => next.length > 1) || new Set(reached).size < reached.length;
}

interface BranchesProps {
  readonly taps: readonly TapFacts[];
  readonly graph: TapGraph;
}

function Branches({ taps, graph: { width, height, tapSize, corners, edges } }: BranchesProps) {
  const box = useRef<HTMLDivElement>(null);
  // The tap that is looked at is in sight, also if it was chosen elsewhere.
  useEffect(() => {
    const [within, chosen] = [box.current, box.current?.querySelector<HTMLElement>("li.chosen")];
    if (within === null || !chosen) return;
    const { offsetTop, offsetHeight } = chosen;
    const { scrollTop, clientHeight } = within;
    const isInSight = offsetTop >= scrollTop && offsetTop + offsetHeight <= scrollTop + clientHeight;
    if (!isInSight) within.scrollTop = offsetTop + (offsetHeight - clientHeight) / 2;
  }, [tap.value, corners]);
  return (
    <div class="graph" ref={box}>
      <ul aria-labelledby="taps" style={{ width: `${width}rem`, height: `${height}rem` }}>
        {taps.map((facts) => {
          const { left, top } = corners.get(facts.name)!;
          const place = {
            left: `${left}rem`,
            top: `${top}rem`,
            width: `${tapSize.width}rem`,
            height: `${tapSize.height}rem`,
          };
          const before = edges.filter(({ to }) => to === facts.name).map(({ from }) => from);
          return <Tap key={facts.name} facts={facts} place={place} before={before} />;
        })}
      </ul>
      <svg
        aria-hidden="true"
        viewBox={`0 0 ${width} ${height}`}
        style={{ width: `${width}rem`, height: `${height}rem` }}
      >
        {edges.map(({ from, to, path }) => (
          <path key={path} class={from === tap.value || to === tap.value ? "of-chosen" : ""} d={path} />
        ))}
      </svg>
    </div>
  );
}

interface TapProps {
  readonly facts: TapFacts;
  /** Where it lies in a graph. */
  readonly place?: Readonly<Record<string, string>>;
  /** The taps from which it is computed, in a graph. */
  readonly before?: readonly string[];
}

function Tap({ facts: { name, op, shape }, place, before = [] }: TapProps) {
  const sigma = subject.value!.spectra.value.get(spectrumKey(picture.value, name))?.sigma[0];
  return (
    <li class={tap.value === name ? "chosen" : ""} {...(place && { style: place })}>
      <input
        type="checkbox"
        aria-label={`Include ${name}`}
        checked={ofInterest.value.has(name)}
        onChange={() => toggle(name)}
      />
      <button
        type="button"
        title={name}
        aria-pressed={tap.value === name}
        {...(before.length > 0 && { "aria-description": `computed from ${before.join(" and ")}` })}
        onClick={() => chooseTap(name)}
      >
        {parted(name)}
      </button>
      <span class="soft" title={`${op} ${formatShape(shape)}`}>
        {place === undefined ? `${op} ${formatShape(shape)}` : `${formatShape(shape)} ${op}`}
      </span>
      <span class="number">{sigma === undefined ? "" : `σ₁ ${formatNumber(sigma)}`}</span>
    </li>
  );
}

/** A name that may go on in the next line behind a dot, slash or underscore. */
const parted = (name: string) =>
  name.split(/(?<=[./_])/).map((part, i) => (
    <>
      {i > 0 && <wbr />}
      {part}
    </>
  ));

function toggle(name: string): void {
  const next = new Set(ofInterest.value);
  if (!next.delete(name)) next.add(name);
  ofInterest.value = next;
}
