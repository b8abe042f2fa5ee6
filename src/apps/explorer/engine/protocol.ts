import type { NoiseKind } from "../../../images/index.ts";
import type {
  ClassChangesAnswer,
  EngineError,
  NetworkDescription,
  NoiseAnswer,
  PictureDescription,
  PicturesAnswer,
  ProvisionalSpectrum,
  SpectrumAnswer,
  StepAnswer,
  TrainingAnswer,
  TrajectoryAnswer,
  VectorAnswer,
} from "./answers.ts";

/** A file that a user gave. */
export interface GivenFile {
  /** The path below the folder that was dropped, with that folder, or the name alone. */
  readonly name: string;
  readonly content: Blob | Uint8Array;
}

/** J(from → to) at a picture. */
export interface SpectrumSettings {
  /** Taps by name; the source and the output of the network unless given. */
  readonly from?: string;
  readonly to?: string;
  /** As many triplets, or all where there are fewer. */
  readonly k: number;
  /** The residual asked for, relative to the largest σ; 1e-5 unless given. */
  readonly tol?: number;
  /** 0 unless given. */
  readonly seed?: number;
}

/** A direction of unit length in which the source is moved. */
export type Direction =
  /** The right singular vector v of this index; its source is that of the spectrum. */
  | { readonly spectrum: number; readonly index: number }
  /** Gaussian, from the seed, at a tap; in the network's source unless given. */
  | { readonly random: number; readonly from?: string }
  /** These numbers, which are divided by their length, in the network's source. */
  | { readonly values: Float32Array };

/**
 * What can be asked: the request, what comes while it is computed (`partial`, any number of times), and the answer.
 *
 * One request that is `long` is computed at a time; the next ones wait. The others are answered at once, also while a long one is under
 * way, which pauses meanwhile.
 */
export interface Protocol {
  /**
   * Opens a network: an ONNX file with its external data, or a .prototxt with a .caffemodel, and perhaps a preset (.json). The pictures and
   * handles of the one before are dropped. Long.
   */
  open: {
    request: {
      readonly files: readonly GivenFile[];
      /** The shape of the input, where the file leaves it open. */
      readonly inputShape?: readonly number[];
      /** What tangents do where a quantized network rounds; `refuse` unless given. */
      readonly quantized?: "straight-through" | "refuse";
    };
    partial: never;
    answer: NetworkDescription;
  };

  /**
   * Adds pictures (or .npy arrays, as they are). Labels come from a `labels.tsv` among the files, or from the folders. Each picture is
   * described as soon as it is known, and all again at the end. Long.
   */
  pictures: {
    request: { readonly files: readonly GivenFile[]; readonly labels?: GivenFile };
    partial: PictureDescription;
    /** All pictures of the network, also those that were added before. */
    answer: PicturesAnswer;
  };

  /** Prepares all pictures again: by a preset's name, or a preset file (.json). Spectra of the old ones stay. Long. */
  setPreprocess: {
    request: { readonly preset: string | GivenFile };
    partial: PictureDescription;
    answer: PicturesAnswer;
  };

  /** Forgets pictures. */
  removePictures: {
    request: { readonly pictures: readonly number[] };
    partial: never;
    answer: PicturesAnswer;
  };

  /** The k largest singular triplets, with their certificate. Cancelling ends it without an answer. Long. */
  spectrum: {
    request: SpectrumSettings & { readonly picture: number };
    partial: ProvisionalSpectrum;
    answer: SpectrumAnswer;
  };

  /** A singular vector, in the shape of its tap. */
  vector: {
    request: { readonly spectrum: number; readonly index: number; readonly side: "u" | "v" };
    partial: never;
    answer: VectorAnswer;
  };

  /** The network at x + ε·d beside f(x) + ε·J·d. Only the newest is answered: one that waits is superseded by the next. */
  step: {
    request: {
      readonly picture: number;
      readonly direction: Direction;
      /** In units of the source; several are answered together. */
      readonly epsilon: number | readonly number[];
    };
    partial: never;
    answer: StepAnswer;
  };

  /** The smallest steps along ±v that change the class. Long. */
  nearestChange: {
    request: {
      readonly picture: number;
      readonly spectrum: number;
      /** The vectors to try; all above the floor unless given. */
      readonly indices?: readonly number[];
      /** The largest |ε|; the length of x at the source unless given. */
      readonly range?: number;
    };
    partial: ClassChangesAnswer;
    answer: ClassChangesAnswer;
  };

  /** A picture with noise, as a picture of its own, and if asked for the spectrum at it. Long. */
  noise: {
    request: {
      readonly picture: number;
      readonly kind: NoiseKind;
      /** In the unit of the kind (`noises` of src/images): for gaussian and uniform a fraction of full scale. */
      readonly level: number;
      readonly seed?: number;
      readonly spectrum?: SpectrumSettings;
    };
    partial: ProvisionalSpectrum;
    answer: NoiseAnswer;
  };

  /** Where all pictures are at each tap. It needs at least three pictures. Long. */
  trajectory: {
    request: {
      /** The cuts unless given. */
      readonly taps?: readonly string[];
    };
    /** What was computed so far: the taps from the first on. */
    partial: TrajectoryAnswer;
    answer: TrajectoryAnswer;
  };

  /**
   * Trains a small network, and measures its spectrum meanwhile. Cancelling stops it; with its handle it goes on. Long.
   */
  train: {
    request: {
      /** How it begins, or the handle of one that goes on. */
      readonly begin:
        | {
            /** recipe.json, as in docs/training.md, and the arrays (.npy) that it names. */
            readonly recipe: GivenFile;
            readonly files: readonly GivenFile[];
          }
        | { readonly training: number };
      /** How many steps to take; to the end of the recipe unless given. */
      readonly steps?: number;
      /** A partial answer comes after so many steps. */
      readonly every: number;
      /** The spectrum measured: at this example among those held out, to this tap (the output unless given). */
      readonly spectrum: { readonly example: number; readonly to?: string; readonly k: number };
    };
    partial: TrainingAnswer;
    answer: TrainingAnswer;
  };

  /** The bytes that compiled graphs and spectra may hold; those used least recently are dropped. 512 MiB unless set. */
  setBudget: {
    request: { readonly bytes: number };
    partial: never;
    answer: { readonly bytes: number };
  };

  /** Frees the network, its pictures, and all handles. */
  dispose: { request: Readonly<Record<string, never>>; partial: never; answer: Readonly<Record<string, never>> };
}

export type RequestKind = keyof Protocol;
export type RequestOf<K extends RequestKind> = Protocol[K]["request"];
export type PartialOf<K extends RequestKind> = Protocol[K]["partial"];
export type AnswerOf<K extends RequestKind> = Protocol[K]["answer"];

/** How far a long request is: a phrase such as `compiling`, and counts where they are known. */
export interface Progress {
  readonly phase: string;
  /** Done of all: vectors that have converged, pictures, taps or steps. */
  readonly done?: number;
  readonly of?: number;
  /** Vectors multiplied by J and Jᵀ so far. */
  readonly products?: number;
}

/** What goes to the engine. A cancelled request is answered by the error `interrupted`. */
export type ToEngine =
  | { readonly [K in RequestKind]: { readonly id: number; readonly kind: K; readonly body: RequestOf<K> } }[RequestKind]
  | { readonly cancel: number };

/**
 * What comes from the engine, for the request of this id: any number of `progress` and `partial`, then one `answer` or `error`. Before
 * all, a worker may name a lock of the browser that it holds as long as it lives.
 */
export type FromEngine =
  | ({ readonly id: number } & (
      | { readonly progress: Progress }
      | { readonly partial: PartialOf<RequestKind> }
      | { readonly answer: AnswerOf<RequestKind> }
      | { readonly error: EngineError }
    ))
  | { readonly lock: string };
