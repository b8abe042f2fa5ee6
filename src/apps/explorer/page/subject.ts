import type { ReadonlySignal } from "@preact/signals";
import type { Shape } from "../../../base/index.ts";
import type { UnitNumbers } from "../../../figures/index.ts";
import type { NoiseKind } from "../../../images/index.ts";
import type { RunReader } from "../../report/run-reader.ts";
import type { Pixels } from "../engine/index.ts";

/** A tap as the page shows it. */
export interface TapFacts {
  readonly name: string;
  readonly op: string;
  /** Without the batch axis. */
  readonly shape: Shape;
  readonly cut: boolean;
  /** The taps that are computed from it with no other tap in between, by name; absent where that is not known. */
  readonly next?: readonly string[];
}

/** A network as the page shows it. */
export interface NetworkFacts {
  readonly name: string;
  /** All but the inputs, in graph order. */
  readonly taps: readonly TapFacts[];
  /** The tap from which derivatives are taken. */
  readonly source: TapFacts;
  /** The tap whose entries are the scores. */
  readonly output: TapFacts;
  /** The meaning of a value of 1 in the source, such as `full-scale pixel`. */
  readonly unit: string;
  /** The taps that derivatives can be taken from, if that can be chosen; first the one that is used unless another is chosen. */
  readonly sources?: readonly string[];
}

/** Whether changes begin at a tap within the network, and not at the picture. */
export const isInnerSource = ({ source, sources = [source.name] }: NetworkFacts): boolean => source.name !== sources[0];

export interface PictureFacts {
  readonly name: string;
  readonly label?: string;
  readonly pixels: Pixels;
  /** The class that the network predicts; absent if it scores no classes. */
  readonly predicted?: string;
  /** Whether that is the true class; absent where the two cannot be compared. */
  readonly isRight?: boolean;
  /** The classes with the highest scores, with their probabilities. */
  readonly top?: readonly { readonly name: string; readonly share: number }[];
  /** The highest score minus the second. */
  readonly margin?: number;
}

/** Which vector a step is taken along: that of a σ of J(source → tap) by its index from 0, or a random one of the same length. */
export type VectorChoice = { readonly tap: string; readonly index: number } | "random";

/** The network's answer to a step of length |ε|, and what J predicts of it. */
export interface Frame {
  readonly epsilon: number;
  /** The picture there. */
  readonly pixels: () => Pixels | undefined;
  /** f(x + ε·v) and f(x) + ε·J·v, [scores] each. */
  readonly actual: Float32Array;
  readonly predicted: Float32Array;
}

/** A unit vector of the source, and what the network answers along it. */
export interface Direction {
  readonly choice: VectorChoice;
  /** Absent for a random vector. */
  readonly sigma?: number;
  /** [source], of length 1; absent if only the answers are known. */
  readonly v?: Float32Array;
  readonly shape: Shape;
  /** Lengths of steps along v, ascending; one of them is 0. */
  readonly epsilons: Float64Array;
  /** [epsilons]; undefined where the network has not been run. */
  readonly frames: ReadonlySignal<readonly (Frame | undefined)[]>;
  /** Has the network run at this step next, and then at the others, as far as it has not been run there. */
  want(step: number): Promise<void>;
  /** It is no longer looked at: the network need not be run along it. */
  leave(): void;
}

/** Where pictures lie in the plane of the two directions in which they differ most, tap by tap; each plane is turned to match the last. */
export interface Movement {
  readonly taps: readonly string[];
  /** [taps][pictures, 2], of mean square length 1. */
  readonly positions: readonly Float64Array[];
}

/** A step along a singular vector that changes the class. */
export interface SmallestStep {
  /** Of the vector, from 0. */
  readonly index: number;
  readonly epsilon: number;
  /** The class behind the change. */
  readonly class: string;
}

interface NoiseChoice {
  readonly kind: NoiseKind;
  /** In the unit of the kind. */
  readonly level: number;
  /** The tap and the number of triplets of the spectrum. */
  readonly to: string;
  readonly k: number;
}

/** A picture with noise, and what the network makes of it. */
export interface Noisy {
  readonly pixels: Pixels;
  /** Absent if the network scores no classes. */
  readonly predicted?: { readonly name: string; readonly share: number };
  readonly spectrum: UnitNumbers;
}

/** A network with pictures that the page can look at: stored beforehand, or computed here. */
export interface Subject {
  readonly network: NetworkFacts;
  /** The names of the classes, in the order of the scores; empty if the output scores no classes. */
  readonly classes: readonly string[];
  readonly pictures: readonly PictureFacts[];
  /** Whether a run stored all of it: then the network is not here, and nothing more can be computed. */
  readonly isRun?: boolean;
  /** The name of the folder or archive of a run. */
  readonly place?: string;
  /** The command that computes the spectra of a run again. */
  readonly command?: string;
  /** The files that were given as pictures and cannot be used, with the reason. */
  readonly unusable: readonly { readonly name: string; readonly why: string }[];
  /** The spectra that are known, by picture and tap. */
  readonly spectra: ReadonlySignal<ReadonlyMap<string, UnitNumbers>>;
  /** The largest σ at a tap; undefined if it is not known. */
  firstSigma(picture: number, tap: string): number | undefined;
  /** The smallest steps along ±v that were found, by picture and tap; `none` where the class does not change within the range. */
  readonly smallestSteps: ReadonlySignal<ReadonlyMap<string, SmallestStep | "none">>;
  /** Has the smallest step found; absent where the network is not here. */
  findSmallestStep?(picture: number, tap: string, signal: AbortSignal): Promise<void>;
  /** Has the spectra of a picture read, if they are stored. */
  look(picture: number): Promise<void>;
  /** How far the reading of the stored spectra of a picture is; absent where none is stored. */
  readingOf?(picture: number): "unfinished" | "finished" | "failed";
  /** The indices of the vectors of a spectrum that can be stepped along; empty if the spectrum is not known. */
  vectorsAt(picture: number, tap: string): readonly number[];
  direction(picture: number, choice: VectorChoice): Promise<Direction>;
  /** A picture with noise; absent where the network is not here. */
  withNoise?(picture: number, noise: NoiseChoice, signal: AbortSignal): Promise<Noisy>;
  /** All that is known as a report reads it; absent where no report can be written. */
  report?(): Promise<RunReader>;
  /** Where all pictures are, at the cuts; undefined until it is known. */
  readonly movement: ReadonlySignal<Movement | undefined>;
  /** Has the movement computed, if it is not known. */
  followPictures(): Promise<void>;
}

/** The key of a spectrum in `Subject.spectra`. */
export const spectrumKey = (picture: number, tap: string): string => `${picture} ${tap}`;

export const sameChoice = (a: VectorChoice, b: VectorChoice): boolean =>
  a === b || (a !== "random" && b !== "random" && a.tap === b.tap && a.index === b.index);
