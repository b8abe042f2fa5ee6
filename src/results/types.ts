import type { Shape } from "../base/index.ts";

/**
 * What became of a triplet. `converged`: residual ≤ tol · norm. `at-floor`: not, but as small as the backend can reach.
 * `below-floor`: one of these, with σ ≤ floor, so that σ cannot be told from zero. `unconverged`: the residual is larger.
 */
export type Status = "converged" | "at-floor" | "unconverged" | "below-floor";

/** What is known of the largest singular value that is not in the set. */
export type Missed =
  | { readonly kind: "exact" }
  | { readonly kind: "probable"; readonly bound: number; readonly failureProbability: number }
  | { readonly kind: "none" };

/** How much of J is a convention, by node: at these places the network has a kink and no derivative. */
export interface KinkCount {
  /** The tap that the node makes; the node's name where that is no tap. */
  readonly tap: string;
  /** Neurons at a kink of their elementwise function: inputs of a ReLU that are 0, say. */
  readonly neurons: number;
  /** Windows of a pool (or sets of numbers, of a maximum) whose extreme several entries share. */
  readonly windows: number;
}

/** Everything measured at one input and one tap; what a run stores and a report reads. */
export interface UnitResult {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** [k], descending. */
  readonly sigma: Float64Array;
  /** [k], (‖Jv − σu‖² + ‖Jᵀu − σv‖²)^½, in units of σ. */
  readonly residual: Float64Array;
  readonly status: readonly Status[];
  /** Largest σ seen. */
  readonly norm: number;
  /** Residual that the backend can reach; a σ that does not exceed it cannot be told from zero. */
  readonly floor: number;
  readonly orthogonality: { readonly u: number; readonly v: number };
  readonly missed: Missed;
  /** Vectors multiplied by J and by Jᵀ. */
  readonly jvp: number;
  readonly vjp: number;
  readonly seconds: number;
  readonly stopped: "all-converged" | "budget" | "interrupted";
  /** Rows of J that can be non-zero; m where the structure does not tell. */
  readonly activeRows: number;
  /** The nodes from source to tap that are at a kink; not known of units that an earlier version stored. */
  readonly kinks?: readonly KinkCount[];
  /** Singular vectors kept, by their index in `sigma`; empty where none are. */
  readonly vectors: {
    readonly index: readonly number[];
    /** [index.length, m] */
    readonly u: Float32Array;
    /** [index.length, n] */
    readonly v: Float32Array;
  };
}

/** The model of a run, by its content. */
export interface ModelRecord {
  readonly file: string;
  /** Of the file, or of the file and all external data that was read, where it has any. */
  readonly sha256: string;
  /** Of the file alone, where it has external data. */
  readonly fileSha256?: string;
}

/** One input of a run. */
export interface InputRecord {
  /** Unique in the run; the file's name without its ending where that is unique. */
  readonly name: string;
  readonly file: string;
  readonly sha256: string;
  /** The true class, where a labels file or the data set tells it. */
  readonly label?: string;
  /** The class that the network gives, where it ends in class scores. */
  readonly predicted?: string;
  /** Whether that is the true class; absent where the two cannot be compared, as a name with an output's number. */
  readonly isRight?: boolean;
  /** Why this input could not be used; its rows stay empty. */
  readonly failed?: string;
}

/** One tap of a run: the target of J(from → tap). */
export interface TapRecord {
  readonly name: string;
  /** The tensor's name in the ONNX file. */
  readonly tensor: string;
  readonly op: string;
  /** Without the batch axis. */
  readonly shape: Shape;
  readonly cut: boolean;
  /** Triplets computed at this tap: min(k asked, m, n). */
  readonly k: number;
}

/** What every number of a run can be traced to. */
export interface RunManifest {
  readonly format: "pushforward-run";
  readonly formatVersion: 2;
  readonly model: ModelRecord;
  readonly from: { readonly name: string; readonly tensor: string; readonly shape: Shape };
  readonly inputs: readonly InputRecord[];
  readonly taps: readonly TapRecord[];
  /** Name and settings of the preprocessing; `unit` says what 1 of the source means (`full-scale pixel / std`, say). */
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
