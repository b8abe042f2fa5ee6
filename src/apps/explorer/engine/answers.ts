import type { PushforwardError, Shape } from "../../../base/index.ts";
import type { UnitResult } from "../../../results/index.ts";

/** A picture as a canvas takes it: [height, width, 4], 8 bits for each sample. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray;
}

export interface TapDescription {
  /** The name by which requests refer to it. */
  readonly name: string;
  /** The operator that computes it; `Input` for an input of the network. */
  readonly op: string;
  /** Without a batch axis of 1. */
  readonly shape: Shape;
  /** The number of its entries. */
  readonly size: number;
  /** Whether every path from the input to the outputs passes through it. */
  readonly cut: boolean;
  /** The taps that are computed from it with no other tap in between, as indices in `NetworkDescription.taps`: the edges of the graph. */
  readonly next: readonly number[];
  /** Whether J(source → tap) can be asked for: some entries follow the source, and every node on the way has a derivative. */
  readonly hasJacobian: boolean;
}

export interface PresetDescription {
  readonly name: string;
  /** The meaning of a value of 1 in the network's input, in words. */
  readonly unit: string;
  /** Whether it gives an input of the network's shape. */
  readonly fits: boolean;
}

export interface Preprocessing {
  /** The name of the preset in use; absent if none could be guessed: choose one by `setPreprocess`. */
  readonly name?: string;
  /** Its settings, fitted to the network, as the manifest of a run has them; absent with the name. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Why it is used, or why none is: one sentence. */
  readonly reason: string;
  /** Whether the guess may well be wrong, so that the page asks. */
  readonly isUnsure: boolean;
}

export interface NetworkDescription {
  readonly file: string;
  readonly sha256: string;
  readonly inputs: readonly { readonly name: string; readonly type: string; readonly shape: Shape }[];
  /** The tap that pictures go to. */
  readonly input: string;
  /** The tap from which derivatives are taken unless a request says otherwise; the input, where that holds floats. */
  readonly source: string;
  /** The tap of the output: the class scores, where `classCount` is not 0. */
  readonly output: string;
  /** In graph order, the inputs first. */
  readonly taps: readonly TapDescription[];
  /** 0 where the output is no list of class scores. */
  readonly classCount: number;
  readonly preprocessing: Preprocessing;
  readonly presets: readonly PresetDescription[];
  /** What computes: name and version of the runtime, and the device. */
  readonly backend: string;
  /** What a user should know of a network that was converted, in sentences. */
  readonly notes: readonly string[];
}

export interface ClassScore {
  /** The index in the network's output. */
  readonly index: number;
  readonly name: string;
  readonly score: number;
  /** Its probability: the score itself if the scores are probabilities, otherwise their softmax. */
  readonly share: number;
}

/** What is known of one picture. A picture that cannot be used has `failed`, and neither `pixels` nor scores. */
export interface PictureDescription {
  /** The number by which requests refer to it. */
  readonly picture: number;
  /** The file name, with the folders that were given. */
  readonly name: string;
  readonly failed?: EngineError;
  /** The size of the picture in the file. */
  readonly width?: number;
  readonly height?: number;
  /** The input of the network, seen as a picture. */
  readonly pixels?: Pixels;
  /** Of the prepared input: its float32 entries, row-major, little-endian. */
  readonly sha256?: string;
  /** The five classes with the highest scores; absent if the network gives no class scores. */
  readonly top?: readonly ClassScore[];
  /** The name of the true class, where it is known. */
  readonly label?: string;
  /** Whether the predicted class is the true one; absent where the two cannot be compared. */
  readonly isRight?: boolean;
}

export interface PicturesAnswer {
  readonly pictures: readonly PictureDescription[];
  /** The names of the classes in the order of the outputs: from the list of classes, or else the indices. */
  readonly classes: readonly string[];
  /** How many predictions are right, of how many that can be compared with a label; absent if there are none. */
  readonly accuracy?: { readonly right: number; readonly of: number };
  readonly preprocessing: Preprocessing;
  /** What looks wrong with the predictions or the labels, in sentences: σ depends on the preprocessing, and nothing else would show it. */
  readonly warnings: readonly string[];
}

/** Singular values of a solve under way. None is certified: they are Ritz values, which can only grow. */
export interface ProvisionalSpectrum {
  /** Descending; at most k of them. */
  readonly sigma: Float64Array;
  /** The residuals that the recurrence predicts; NaN where it predicts none. */
  readonly residual: Float64Array;
}

/** What `spectrum` measured. The fields of `UnitResult` are those that a run stores; its vectors are fetched by `vector`. */
export interface SpectrumAnswer extends Omit<UnitResult, "vectors"> {
  /** The handle for `vector`, `step` and `nearestChange`. */
  readonly spectrum: number;
  readonly picture: number;
  readonly from: string;
  readonly to: string;
  readonly tol: number;
  readonly seed: number;
  /** exp of the entropy of σ/Σσ, and (Σσ²)²/Σσ⁴, of the σ above the floor among those computed. */
  readonly effectiveRank: number;
  readonly participationRatio: number;
}

export interface VectorAnswer {
  /** The tap that it belongs to: the source for v, the target for u. */
  readonly tap: string;
  readonly shape: Shape;
  readonly values: Float32Array;
}

/** The network's answer at x + ε·d, and what J predicts of it. */
export interface Step {
  readonly epsilon: number;
  /** The input there, seen as a picture; absent if the direction starts at an inner tap. */
  readonly pixels?: Pixels;
  /** The output there. */
  readonly actual: Float32Array;
  /** f(x) + ε·J·d. */
  readonly predicted: Float32Array;
  /** ‖actual − predicted‖, in units of the output. It falls as ε² where the step crosses no kink. */
  readonly gap: number;
  /** ‖ε·J·d‖: what the gap is to be compared with. */
  readonly change: number;
  /** The class with the highest actual score, and the one that is predicted by J; absent if the network gives no class scores. */
  readonly class?: string;
  readonly predictedClass?: string;
}

export interface StepAnswer {
  /** One for each ε that was asked for. */
  readonly steps: readonly Step[];
  /** f(x). */
  readonly scores: Float32Array;
  /** The class at x; absent if the network gives no class scores. */
  readonly class?: string;
}

/** The smallest step along a singular vector, in either direction, that changes the class. */
export interface ClassChange {
  /** The index of the vector. */
  readonly index: number;
  /** The length of the step, signed; absent if the class does not change within the range. */
  readonly epsilon?: number;
  /** The class behind the change. */
  readonly class?: string;
}

export interface ClassChangesAnswer {
  readonly changes: readonly ClassChange[];
  /** The largest |ε| that was tried. */
  readonly range: number;
  /** The spacing of the steps that were tried before the change was bisected: a class that only lives in between is not found. */
  readonly spacing: number;
  readonly class: string;
}

export interface NoiseAnswer {
  /** The noisy picture, which requests may refer to by its number like any other. */
  readonly picture: PictureDescription;
  /** Class scores there. */
  readonly scores: Float32Array;
  /** Present if it was asked for. */
  readonly spectrum?: SpectrumAnswer;
}

/** Where all pictures are at each tap, in the plane in which they differ most. Each plane is rotated to match the one before. */
export interface TrajectoryAnswer {
  readonly taps: readonly string[];
  /** The numbers of the pictures. */
  readonly pictures: readonly number[];
  /** [taps, pictures, 2], scaled to a mean square length of 1 at each tap. */
  readonly position: Float64Array;
}

/** A training so far. */
export interface TrainingAnswer {
  /** The handle with which it goes on. */
  readonly training: number;
  readonly step: number;
  /** The steps of the whole recipe. */
  readonly steps: number;
  /** The mean loss of the batches since the last report; NaN at step 0. */
  readonly loss: number;
  /** The share of held-out examples that are classified correctly, and the loss there; NaN where nothing is held out. */
  readonly heldOutAccuracy: number;
  readonly heldOutLoss: number;
  /** [k], the singular values of J(input → tap) at the picture. */
  readonly sigma: Float64Array;
  /** [k] */
  readonly residual: Float64Array;
}

/** An error as it travels: what is wrong, where, and what to do. */
export interface EngineError {
  readonly code: PushforwardError["code"];
  readonly what: string;
  readonly where: PushforwardError["where"];
  readonly fix?: string;
}
