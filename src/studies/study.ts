import { PushforwardError } from "../base/index.ts";
import type { CellValues, Chart, Label, ParamValue, StudyArray, StudyRun, StudyVariable } from "../results/index.ts";
import type { ClaimName } from "./claims.ts";
import type { Lab } from "./lab.ts";
import type { Estimate } from "./statistics.ts";

/** A question, how it is measured, and what follows. One file a study; the harness gives seeds, resuming and a page. */
export interface Study {
  readonly id: string;
  readonly question: string;
  /** In two sentences. */
  readonly method: string;
  readonly params: Readonly<Record<string, Param>>;
  /** What is measured where. @throws PushforwardError `usage` where these inputs do not do */
  design(lab: Lab, params: Params): Design | Promise<Design>;
  /** Measures one cell, given by the places on its axes: every variable, as many numbers as its dims have places. */
  measure(cell: Readonly<Record<string, number>>, lab: Lab, params: Params): Promise<CellValues>;
  /** What the numbers say. */
  conclude(data: StudyData, params: Params): Findings;
}

/** A parameter with its default; `quick` stands for it where a first impression is wanted. */
interface Param {
  readonly about: string;
  readonly default: ParamValue;
  readonly quick?: ParamValue;
}

export type Params = Readonly<Record<string, ParamValue>>;

interface Design {
  readonly axes: Readonly<Record<string, readonly Label[]>>;
  readonly cell: readonly string[];
  readonly variables: Readonly<Record<string, StudyVariable>>;
}

/** What was measured, read back. */
export interface StudyData {
  readonly axes: Readonly<Record<string, readonly Label[]>>;
  readonly inputs: StudyRun["manifest"]["inputs"];
  readonly seed: number;
  readonly values: Readonly<Record<string, StudyArray>>;
}

/** What a study found: the same for its page, its files and the paper's table of claims. */
export interface Findings {
  readonly tables: readonly FindingTable[];
  readonly charts: readonly Chart[];
  readonly verdicts: readonly Verdict[];
}

export interface FindingTable {
  /** Of the file: lower case, digits, `-`. */
  readonly id: string;
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** `undecided`: the data cannot say, as with few images. */
export interface Verdict {
  /** What the paper says that it bears on. */
  readonly on: ClaimName;
  readonly claim: string;
  readonly verdict: "supported" | "not supported" | "contradicted" | "undecided";
  /** The numbers that it follows from. */
  readonly because: string;
}

/** A variable by places on its axes, in its own order. */
export function valueAt({ axes, values }: StudyData, name: string, places: readonly number[]): number {
  const { dims, data } = values[name]!;
  return data[dims.reduce((offset, dim, i) => offset * axes[dim]!.length + places[i]!, 0)]!;
}

/** Images that a verdict needs: of fewer, all can lie on one side by chance more than once in 40 times. */
export const FEWEST_IMAGES = 6;

/** Whether an effect that a claim says is positive is so, by its interval over n images. */
export function verdictOf({ low, high, n }: Omit<Estimate, "value">): Verdict["verdict"] {
  if (n < FEWEST_IMAGES || !(Number.isFinite(low) && Number.isFinite(high))) return "undecided";
  if (low > 0) return "supported";
  return high < 0 ? "contradicted" : "not supported";
}

/** A parameter that is a list of numbers, or a single one. */
export function numbersOf(value: ParamValue | undefined): number[] {
  return (Array.isArray(value) ? value : [value]).map(Number);
}

/**
 * The parameters of a study: defaults, or the quick ones, with those that are set as text, `name=value` with commas in a list.
 *
 * @throws PushforwardError `usage` for a name that it has not, or a value of another kind
 */
export function paramsOf(study: Study, { quick = false, set = [] as readonly string[] } = {}): Params {
  const params: Record<string, ParamValue> = {};
  for (const [name, param] of Object.entries(study.params)) {
    params[name] = quick ? (param.quick ?? param.default) : param.default;
  }
  for (const text of set) {
    const [name = "", ...rest] = text.split("=");
    const given = study.params[name];
    const names = Object.keys(study.params);
    if (given === undefined) {
      throw new PushforwardError("usage", {
        what: `The study ${study.id} has no parameter "${name}".`,
        where: { option: "--set" },
        fix: names.length === 0 ? "It has none." : `It has ${names.join(", ")}.`,
      });
    }
    params[name] = parsed(name, given.default, rest.join("="));
  }
  return params;
}

function parsed(name: string, like: ParamValue, text: string): ParamValue {
  const number = (part: string): number => {
    const value = Number(part);
    if (part.trim() !== "" && Number.isFinite(value)) return value;
    throw new PushforwardError("usage", {
      what: `${name} is "${text}", but must be ${Array.isArray(like) ? "numbers with commas between" : "a number"}.`,
      where: { option: "--set" },
      fix: `As in --set ${name}=${Array.isArray(like) ? like.join(",") : like}.`,
    });
  };
  if (typeof like === "number") return number(text);
  if (typeof like === "string") return text;
  const parts = text.split(",");
  return typeof like[0] === "number" ? parts.map(number) : parts;
}

/** What a run of a study tells while it works. */
export interface StudyEvents {
  /** A cell is done, also one that was before; `names` are its places on its axes. */
  readonly onCell?: (names: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Measures every cell that is not stored yet.
 *
 * Cells depend on nothing but the manifest and their place, so an interrupted study ends with the numbers of another.
 *
 * @throws PushforwardError `interrupted` when the signal is aborted; finished cells are kept
 */
export async function runStudy(study: Study, run: StudyRun, lab: Lab, events: StudyEvents = {}): Promise<void> {
  const { axes, cell: names, params } = run.manifest;
  const cells = placesOf(names.map((name) => axes[name]!.length));
  for (const place of cells) {
    if (!run.isDone(place)) {
      if (events.signal?.aborted) throw interrupted();
      const at = Object.fromEntries(names.map((name, i) => [name, place[i]!]));
      const started = performance.now();
      const values = await study.measure(at, lab, params);
      await run.write(place, values, (performance.now() - started) / 1000);
    }
    events.onCell?.(names.map((name, i) => `${name} ${axes[name]![place[i]!]}`).join(", "));
  }
}

/** Every combination of places, the last axis fastest. */
function placesOf(extents: readonly number[]): number[][] {
  return extents.reduce<number[][]>(
    (places, extent) => places.flatMap((place) => Array.from({ length: extent }, (_, i) => [...place, i])),
    [[]],
  );
}

/** Reads a study back, whole. */
export async function readStudy(run: StudyRun): Promise<StudyData> {
  const { axes, inputs, seed, variables } = run.manifest;
  const values: Record<string, StudyArray> = {};
  for (const name of Object.keys(variables)) values[name] = await run.read(name);
  return { axes, inputs, seed, values };
}

function interrupted(): PushforwardError {
  return new PushforwardError("interrupted", {
    what: "Interrupted; what was finished is kept.",
    fix: "Run the same command again to go on from there.",
  });
}
