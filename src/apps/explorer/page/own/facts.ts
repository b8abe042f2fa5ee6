import type { NetworkDescription, PictureDescription, Preprocessing, TapDescription } from "../../engine/index.ts";
import type { NetworkFacts, PictureFacts, TapFacts } from "../subject.ts";

/** A network with a source, as the page shows it. Its taps are in the order of the graph: each follows those that it is computed from. */
export function networkFacts(
  { file, taps, source, output, presets }: NetworkDescription,
  preprocessing: Preprocessing,
  from: string,
): NetworkFacts {
  const named = (name: string) => taps.find((tap) => tap.name === name)!;
  const later = new Set<TapDescription>();
  for (const tap of taps) if (tap.name === from || later.has(tap)) for (const next of tap.next) later.add(taps[next]!);
  const earlier = new Set([named(output)]);
  for (const tap of [...taps].reverse()) if (tap.next.some((next) => earlier.has(taps[next]!))) earlier.add(tap);
  const unit = presets.find(({ name }) => name === preprocessing.name)?.unit ?? "unit of the input";
  const shown = taps.filter((tap) => tap.hasJacobian && tap.op !== "Input" && later.has(tap));
  const inner = taps.filter((tap) => tap.hasJacobian && tap.name !== output && earlier.has(tap));
  return {
    name: file,
    taps: shown.map((tap) => ({
      ...factsOf(tap),
      next: tap.next.flatMap((index) => (shown.includes(taps[index]!) ? [taps[index]!.name] : [])),
    })),
    source: factsOf(named(from)),
    output: factsOf(named(output)),
    unit: from === source ? unit : `unit of ${from}`,
    sources: [source, ...inner.map(({ name }) => name)],
  };
}

const factsOf = ({ name, op, shape, cut }: TapDescription): TapFacts => ({ name, op, shape, cut });

export const pictureFacts = ({ name, label, isRight, pixels, top }: PictureDescription): PictureFacts => ({
  name,
  ...(label === undefined ? {} : { label }),
  ...(isRight === undefined ? {} : { isRight }),
  pixels: pixels!,
  ...(top?.[0] === undefined ? {} : { predicted: top[0].name, top }),
  ...(top?.[1] === undefined ? {} : { margin: top[0]!.score - top[1].score }),
});
