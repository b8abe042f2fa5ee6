import type { Subject } from "../subject.ts";
import { spectrumKey } from "../subject.ts";

/** The command that computes the same. */
export function commandFor(
  { network }: Subject,
  taps: readonly string[],
  k: number,
  preset: string | undefined,
): string {
  const preprocess = preset === undefined ? "" : ` --preprocess ${quoted(preset)}`;
  const { source, sources = [source.name] } = network;
  const from = source.name === sources[0] ? "" : ` --from ${quoted(source.name)}`;
  return `npx pushforward spectrum ${quoted(network.name)} PICTURES${from} --taps ${quoted(taps.join(","))} -k ${k}${preprocess} --out run`;
}

/** Python that builds the spectra that are known as an xarray data set, with the names that a stored run has. */
export function xarrayFor({ network, pictures, spectra }: Subject, taps: readonly string[]): string {
  const known = pictures
    .map(({ name }, i) => ({ name, units: taps.map((tap) => spectra.value.get(spectrumKey(i, tap))) }))
    .filter(({ units }) => units.some((unit) => unit !== undefined));
  const k = Math.max(0, ...known.flatMap(({ units }) => units.map((unit) => unit?.sigma.length ?? 0)));
  const array = (what: "sigma" | "residual"): string =>
    `[${known.map(({ units }) => `[${units.map((unit) => row(unit?.[what], k)).join(", ")}]`).join(",\n  ")}]`;
  return `import numpy as np
import xarray as xr

nan = np.nan
spectra = xr.Dataset(
    {
        "sigma": (("input", "tap", "k"), np.array(${array("sigma")})),
        "residual": (("input", "tap", "k"), np.array(${array("residual")})),
    },
    coords={
        "input": ${JSON.stringify(known.map(({ name }) => name))},
        "tap": ${JSON.stringify(taps)},
        "k": np.arange(1, ${k + 1}),
    },
    attrs={"model": ${JSON.stringify(network.name)}, "from": ${JSON.stringify(network.source.name)}},
)
`;
}

const row = (values: Float64Array | undefined, k: number): string =>
  `[${Array.from({ length: k }, (_, i) => (values?.[i] === undefined ? "nan" : String(values[i]))).join(", ")}]`;

/** A word as a POSIX shell takes it. */
const quoted = (word: string): string => (/^[\w./,@%+:=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
