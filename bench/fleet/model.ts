import { unitsOfJob } from "../../src/apps/cli/enqueue.ts";
import type { Network } from "../../src/apps/node/index.ts";
import { storedVectors } from "../../src/results/index.ts";
import type { TapForecast } from "../../src/studies/index.ts";
import { s3 } from "./assumptions.ts";
import { manifestOf } from "./networks.ts";
import type { QueueCost } from "./queue.ts";
import type { Fleet, TapWork } from "./simulate.ts";
import { type Asked, type Asking, bytesOfUnit, type Storing } from "./storing.ts";
import type { Units } from "./units.ts";

/** What was measured of a network, and what a worker of it does before its first job. */
export interface Measured {
  readonly network: Network;
  readonly units: Units;
  readonly storing: Storing;
  /** Seconds to open the network, to load a picture, and to open the run of all pictures. */
  readonly opening: number;
  readonly loading: number;
  readonly openingRun: Asked & { readonly seconds: number };
}

/** What was measured of this machine, whatever the network. */
export interface Surroundings {
  readonly queue: QueueCost;
  readonly asking: Asking;
  /** Seconds until a worker of a small network has begun its first unit. */
  readonly starting: number;
}

/** A run whose workers are simulated. */
export interface Plan {
  readonly taps: readonly TapWork[];
  readonly fleet: Omit<Fleet, "workers">;
  /** Mean seconds of a unit. */
  readonly mean: number;
  /** Measured seconds over those of the forecast. */
  readonly off: number;
  readonly measured: number;
  /** Bytes of a unit on average, and those beside its vectors. */
  readonly bytes: number;
  readonly beside: number;
}

/** A run of all layers of a network at so many pictures, computed by workers that share a store on S3. */
export function planOf(
  { network, units, storing, opening, loading, openingRun }: Measured,
  { queue, asking, starting }: Surroundings,
  k: number,
  pictures: number,
): Plan {
  const measured = units.measured.filter((one) => one.k === k);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const off =
    measured.length === 0
      ? 1
      : sum(measured.map(({ seconds }) => seconds)) / sum(measured.map(({ forecast }) => forecast));
  const manifest = manifestOf(network, k, 1);
  const { requests, rounds } = asking.unit;
  const sizes: { readonly bytes: number; readonly beside: number }[] = [];
  const taps = units.forecasts.get(k)!.map((forecast: TapForecast, at): TapWork => {
    const here = measured.filter(({ tap }) => tap === at).map(({ seconds }) => seconds);
    const vectors = storedVectors(manifest, forecast);
    const beside = storing.bytes * (k / units.example.unit.k);
    const { bytes, largest } = bytesOfUnit(network, forecast.tap, vectors, beside);
    sizes.push({ bytes, beside });
    return {
      units: pictures,
      each: unitsOfJob(forecast.seconds, network.source.shape),
      seconds: here.length > 0 ? sum(here) / here.length : off * forecast.seconds,
      isShared: forecast.solves < forecast.inputs,
      compile: units.compile[at]!,
      // The answers to requests that follow each other, of which one brings the picture; the bytes on the way; and their digests.
      store: (rounds + 1) * s3.latency + largest / s3.bandwidth + storing.perByte * bytes + loading,
      puts: requests.put + requests.delete,
      gets: requests.head + requests.get + 1,
    };
  });
  const reading = openingRun.requests;
  return {
    taps,
    mean: sum(taps.map(({ seconds }) => seconds)) / taps.length,
    off,
    measured: measured.length,
    bytes: sum(sizes.map(({ bytes }) => bytes)) / sizes.length,
    beside: sum(sizes.map(({ beside }) => beside)) / sizes.length,
    fleet: {
      taps,
      spread: spreadOf(units),
      start: {
        seconds: starting + opening + openingRun.seconds + (openingRun.rounds + FETCHING) * s3.latency,
        gets: reading.get + reading.list + reading.head + FETCHING,
      },
      redis: { job: queue.server.job / 1000, unit: queue.server.unit / 1000 },
      rates: { puts: s3.puts, gets: s3.gets },
    },
  };
}

/** Requests of a worker for the list of its files, and for its model. */
const FETCHING = 2;

/** The seconds of units over the mean of those of the same tap and k, where there are several. */
function spreadOf({ measured }: Pick<Units, "measured">): number[] {
  const factors = measured.flatMap(({ tap, k, seconds }) => {
    const group = measured.filter((one) => one.tap === tap && one.k === k);
    const mean = group.reduce((sum, one) => sum + one.seconds, 0) / group.length;
    return group.length < 2 ? [] : [seconds / mean];
  });
  return factors.length === 0 ? [1] : factors;
}
