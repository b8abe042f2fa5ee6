import type { Shape } from "../base/index.ts";

/**
 * The status of a triplet. `converged`: residual ≤ tol · norm. `at-floor`: the residual reached only the floor of the triplet, which
 * is larger than tol · norm. `below-floor`: one of these, with σ ≤ `floor`, so that σ cannot be told from zero. `unconverged`: the
 * residual is larger.
 */
export type Status = "converged" | "at-floor" | "unconverged" | "below-floor";

/** What is known about the largest singular value that was not computed. */
export type Missed =
  | { readonly kind: "exact" }
  | { readonly kind: "probable"; readonly bound: number; readonly failureProbability: number }
  | { readonly kind: "none" };

/** How much of J follows from conventions at a node: the network has no derivative there, because it is at a kink. */
export interface KinkCount {
  /** The tap that the node computes, or the name of the node if its output is not a tap. */
  readonly tap: string;
  /** The number of neurons at a kink of their elementwise function, such as ReLU neurons with the input 0. */
  readonly neurons: number;
  /** The number of windows of a pool (or sets of entries of a maximum) in which several entries are equal to the extremum. */
  readonly windows: number;
}

/** Everything measured at one input and one tap. A run stores it, and a report reads it. */
export interface UnitResult {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** [k], descending. */
  readonly sigma: Float64Array;
  /** [k], (‖Jv − σu‖² + ‖Jᵀu − σv‖²)^½, in units of σ. */
  readonly residual: Float64Array;
  readonly status: readonly Status[];
  /** The largest σ found. */
  readonly norm: number;
  /**
   * The residual that rounding can cause alone. A σ that is not larger cannot be told from zero; each that is larger is also above
   * the floor of its own triplet.
   */
  readonly floor: number;
  /** The probability that a residual is larger than it says, where not all were measured one by one. */
  readonly residualFailureProbability?: number;
  /** [k], the floor of each triplet; absent for units that an earlier version stored, whose triplets all have `floor`. */
  readonly floors?: Float64Array;
  readonly orthogonality: { readonly u: number; readonly v: number };
  readonly missed: Missed;
  /** How many vectors were multiplied by J and by Jᵀ. */
  readonly jvp: number;
  readonly vjp: number;
  readonly seconds: number;
  readonly stopped: "all-converged" | "budget" | "interrupted";
  /** The number of rows of J that are not zero by structure; m if the structure does not determine it. */
  readonly activeRows: number;
  /** The kinks of the nodes from source to tap; absent for units that an earlier version stored. */
  readonly kinks?: readonly KinkCount[];
  /** What the device could not compute or computed wrongly, so that the CPU did, in sentences; absent if there was nothing. */
  readonly onCpu?: readonly string[];
  /** The machine that computed it, of units that a run stored with it. */
  readonly machine?: string;
  /** The singular vectors stored, by their index in `sigma`; empty if none are. */
  readonly vectors: {
    readonly index: readonly number[];
    /** [index.length, m] */
    readonly u: Float32Array;
    /** [index.length, n] */
    readonly v: Float32Array;
  };
}

/** How the weights of a control were made, which is a network of the same graph whose weights carry nothing learned. */
export interface ControlRecord {
  /** How the weights are drawn; `initial`: they are those of the file, from before the training. */
  readonly kind: string;
  /** Absent for `initial`. */
  readonly seed?: number;
  /** The number of the draw, from 1; absent for `initial`. */
  readonly draw?: number;
}

/** The model of a run, by its content. */
export interface ModelRecord {
  readonly file: string;
  /** The hash of the file, or of the file and all external data that is read, if it has any. */
  readonly sha256: string;
  /** The hash of the file alone, if it has external data. */
  readonly fileSha256?: string;
  /** Present if the run is not of the network in the file but of a control of it. */
  readonly control?: ControlRecord;
  /** Present if the network is quantized, and its tangents pass as if nothing were rounded. */
  readonly quantized?: "straight-through";
}

/** An input of the network that a run holds at one value for all its inputs. */
export interface GivenRecord {
  readonly name: string;
  readonly type: string;
  readonly shape: Shape;
  /** The hash of the entries, row-major in this type, little-endian. */
  readonly sha256: string;
  /** The value of all entries, if they are equal. */
  readonly value?: number;
}

/** One input of a run. */
export interface InputRecord {
  /** A name that is unique in the run: the name of the file without its extension, if that is unique. */
  readonly name: string;
  readonly file: string;
  readonly sha256: string;
  /** The true class, if a labels file or the data set gives it. */
  readonly label?: string;
  /** The class that the network predicts, if its output is class scores. */
  readonly predicted?: string;
  /** Whether that is the true class; absent if the two cannot be compared, for example a name and the number of an output. */
  readonly isRight?: boolean;
  /** Why this input could not be used; its units are then missing. */
  readonly failed?: string;
}

/** One tap of a run: the target of J(from → tap). */
export interface TapRecord {
  readonly name: string;
  /** The name of the tensor in the ONNX file. */
  readonly tensor: string;
  /** The indices of the entries that the tap consists of, as in NumPy: `[0,7]`; absent if it is the whole tensor. */
  readonly index?: string;
  readonly op: string;
  /** The shape without the batch axis. */
  readonly shape: Shape;
  readonly cut: boolean;
  /** The number of triplets computed at this tap: min(k asked, m, n). */
  readonly k: number;
}

/** The provenance of the numbers of a run. */
export interface RunManifest {
  readonly format: "pushforward-run";
  readonly formatVersion: 2 | 3;
  readonly model: ModelRecord;
  /** Absent if the network has no inputs but the one that the inputs of the run go to. */
  readonly given?: readonly GivenRecord[];
  readonly from: Pick<TapRecord, "name" | "tensor" | "index" | "shape">;
  readonly inputs: readonly InputRecord[];
  readonly taps: readonly TapRecord[];
  /** The name and settings of the preprocessing. `unit` is the meaning of a value of 1 in the source, such as `full-scale pixel / std`. */
  readonly preprocess: {
    readonly name: string;
    readonly unit: string;
    readonly settings: Readonly<Record<string, unknown>>;
  };
  readonly k: number;
  readonly tol: number;
  readonly seed: number;
  /** How many of the first and of the last vectors each unit stores, or `all`. */
  readonly vectors: number | "all";
  readonly solver: string;
  readonly backend: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly created: string;
}
