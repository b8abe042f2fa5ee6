import { PushforwardError } from "../base/index.ts";
import type {
  CellValues,
  Chart,
  ColourMap,
  Label,
  ParamValue,
  PictureRows,
  StudyArray,
  StudyRun,
  StudyVariable,
} from "../results/index.ts";
import { endsAll, interrupted, reasonOf } from "./failure.ts";
import type { Lab } from "./lab.ts";
import { ALONE, isOfShard, type Shard } from "./shard.ts";
import type { Estimate } from "./statistics.ts";
import { judge, type TestedClaim, type Verdict } from "./verdict.ts";
import type { StudyWork } from "./work.ts";

/** A question, how it is measured, and what follows from the numbers. Seeds, resuming and the page are the same for all studies. */
export interface Study {
  readonly id: string;
  readonly question: string;
  /** The method, in a few sentences. */
  readonly method: string;
  /** What its inputs are; images unless it is stated. */
  readonly inputs?: "text";
  /** Whether it is of the networks of a training (`Lab.checkpoints`), and not of one network. */
  readonly ofTraining?: true;
  /** Whether it is of encoders that were trained without labels (`Lab.encoders`), with their own held-out examples as inputs. */
  readonly ofEncoders?: true;
  /** Whether it takes networks whose input holds no floats, such as ids of tokens, because it does not move the input. */
  readonly takesIds?: true;
  readonly params: Readonly<Record<string, Param>>;
  /** What is measured, and in which cells. @throws PushforwardError `usage` if the inputs are not suitable */
  design(lab: Lab, params: Params): Design | Promise<Design>;
  /** What the study will compute, to tell its time beforehand. */
  work(lab: Lab, params: Params): StudyWork;
  /**
   * Measures one cell, given by its indices on the axes: for every variable, one number for each combination of its labels. `miss` takes
   * the reason where a part of the cell cannot be measured: its numbers are NaN, and the others are kept.
   */
  measure(
    cell: Readonly<Record<string, number>>,
    lab: Lab,
    params: Params,
    miss: (why: string) => void,
  ): Promise<CellValues>;
  /** The conclusions from all numbers. */
  conclude(data: StudyData, params: Params): Findings;
  /** Further tables, from findings beside which those of controls stand (`withControls`). */
  compare?(findings: Findings, controls: readonly string[]): readonly FindingTable[];
}

/** A parameter with its default, and the value that it has with `--quick`. */
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

/** The measured numbers of a study, read from its store. */
export interface StudyData {
  readonly axes: Readonly<Record<string, readonly Label[]>>;
  readonly inputs: StudyRun["manifest"]["inputs"];
  readonly seed: number;
  readonly values: Readonly<Record<string, StudyArray>>;
}

/** The results of a study, for its page, its files and the table of claims. */
export interface Findings {
  readonly tables: readonly FindingTable[];
  /** The one that the verdicts rest on first. */
  readonly charts: readonly Chart[];
  /** Figures that stand before the charts. */
  readonly maps?: readonly ColourMap[];
  /** Figures that stand behind the charts. */
  readonly pictures?: readonly PictureRows[];
  readonly claims: readonly TestedClaim[];
  readonly verdicts: readonly Verdict[];
}

/** Findings with the verdicts on their claims. */
export const findingsOf = (found: Omit<Findings, "verdicts">): Findings => ({
  ...found,
  verdicts: judge(found.claims),
});

/** A table, whose estimates are one cell each (`flatTable`). */
export interface FindingTable {
  /** Part of the file's name: lower-case letters, digits and `-`. */
  readonly id: string;
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export type Cell = string | number | Estimate;

/** The value of a variable, given indices on its axes in the order of its dims. */
export function valueAt({ axes, values }: StudyData, name: string, places: readonly number[]): number {
  const { dims, data } = values[name]!;
  return data[dims.reduce((offset, dim, i) => offset * axes[dim]!.length + places[i]!, 0)]!;
}

/** A parameter that is a list of numbers, or a single one. */
export function numbersOf(value: ParamValue | undefined): number[] {
  return (Array.isArray(value) ? value : [value]).map(Number);
}

/**
 * The parameters of a study: the defaults or the quick values, changed by texts `name=value`, in which commas separate a list.
 *
 * @throws PushforwardError `usage` for an unknown name, or a value of another kind
 */
export function paramsOf(study: Study, { quick = false, set = [] as readonly string[] } = {}): Params {
  const params: Record<string, ParamValue> = {};
  for (const [name, param] of Object.entries(study.params)) {
    params[name] = quick ? (param.quick ?? param.default) : param.default;
  }
  for (const text of set) {
    const [name = "", ...rest] = text.split("=");
    const given = Object.hasOwn(study.params, name) ? study.params[name] : undefined;
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
      what: `${name} is "${text}", but must be ${Array.isArray(like) ? "numbers separated by commas" : "a number"}.`,
      where: { option: "--set" },
      fix: `For example: --set ${name}=${Array.isArray(like) ? like.join(",") : like}.`,
    });
  };
  if (typeof like === "number") return number(text);
  if (typeof like === "string") return text;
  const parts = text.split(",");
  return typeof like[0] === "number" ? parts.map(number) : parts;
}

/** Callbacks of a study while it runs. */
export interface StudyEvents {
  /** A cell is done, or was done before; `names` says which one, by the labels on its axes. */
  readonly onCell?: (names: string) => void;
  /** A cell has no result; the others go on. */
  readonly onFailure?: (names: string, cause: unknown) => void;
  readonly signal?: AbortSignal;
  /** Which of the cells, counted in their order, to measure (default: all). */
  readonly shard?: Shard;
}

/**
 * Measures every cell that is not stored yet.
 *
 * A cell depends only on the manifest and on its indices, so an interrupted study that is continued ends with the same numbers.
 * A cell that cannot be measured is noted with the reason, and the others are measured. So is a cell that lacks a part (`failures`).
 *
 * @throws PushforwardError `interrupted` when the signal is aborted; finished cells are kept; `store-unwritable`
 */
export async function runStudy(study: Study, run: StudyRun, lab: Lab, events: StudyEvents = {}): Promise<void> {
  const { cell: names, params } = run.manifest;
  for (const [number, place] of cellPlaces(run.manifest).entries()) {
    if (!isOfShard(events.shard ?? ALONE, number)) continue;
    if (!run.isDone(place)) {
      if (events.signal?.aborted) throw interrupted();
      const at = Object.fromEntries(names.map((name, i) => [name, place[i]!]));
      const started = performance.now();
      const missing: string[] = [];
      let values: CellValues;
      try {
        values = await study.measure(at, lab, params, (why) => missing.push(why));
      } catch (cause) {
        if (endsAll(cause)) throw cause;
        await run.fail(place, reasonOf(cause));
        events.onFailure?.(cellName(run.manifest, place), cause);
        continue;
      }
      await run.write(place, values, (performance.now() - started) / 1000, missing.join(" "));
    }
    events.onCell?.(cellName(run.manifest, place));
  }
}

/** A cell by the labels of its places: `tap relu1, image cat`. */
export function cellName(
  { axes, cell }: Pick<StudyRun["manifest"], "axes" | "cell">,
  place: readonly number[],
): string {
  return cell.map((name, i) => `${name} ${axes[name]![place[i]!]}`).join(", ");
}

/** The places of all cells, as indices on the axes that they are counted along; the last axis changes fastest. */
export function cellPlaces({ axes, cell }: Pick<StudyRun["manifest"], "axes" | "cell">): number[][] {
  return cell.reduce<number[][]>(
    (places, name) => places.flatMap((place) => Array.from(axes[name]!, (_, i) => [...place, i])),
    [[]],
  );
}

/** Reads all numbers of a study. */
export async function readStudy(run: StudyRun): Promise<StudyData> {
  const { axes, inputs, seed, variables } = run.manifest;
  const values: Record<string, StudyArray> = {};
  for (const name of Object.keys(variables)) values[name] = await run.read(name);
  return { axes, inputs, seed, values };
}
