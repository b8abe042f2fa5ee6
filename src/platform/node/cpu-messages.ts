import type { InferenceSession } from "onnxruntime-node";
import type { Tensor, TensorData } from "../../onnx/index.ts";

export type Entries = TensorData;

/** Entries of a tensor of the thread, from `start` on. */
export interface Range {
  readonly tensor: number;
  readonly start: number;
  readonly size: number;
}

/** A tensor as its entries are sent. */
export type Read = Tensor;

type Held = Range & Pick<Tensor, "type" | "shape">;

/** An input of a session. */
export type Feed = Tensor | Held;

/** Where an output of a session goes: to the program, to a new tensor of the thread, or into one that is there. */
export type Place = "read" | { readonly keep: number } | Held;

export type SessionOptions = InferenceSession.SessionOptions;
type Feeds = Readonly<Record<string, Feed>>;
type Places = Readonly<Record<string, Place>>;

/** What the thread holds. */
export interface Count {
  readonly sessions: number;
  readonly tensors: number;
  readonly bytes: number;
}

/** What the thread in which ONNX Runtime computes is asked to do. Tasks are done in the order in which they are sent. */
export type Task =
  | { readonly do: "create"; readonly session: number; readonly model: Uint8Array; readonly options: SessionOptions }
  | { readonly do: "run"; readonly session: number; readonly feeds: Feeds; readonly places: Places }
  | { readonly do: "release"; readonly session: number }
  | {
      readonly do: "run file";
      readonly file: string | Uint8Array;
      readonly options: SessionOptions;
      readonly feeds: Feeds;
      readonly places: Places;
    }
  | { readonly do: "upload"; readonly tensor: number; readonly data: Entries }
  | { readonly do: "allocate"; readonly tensor: number; readonly size: number }
  | { readonly do: "free"; readonly tensor: number }
  | { readonly do: "count" }
  | ({ readonly do: "read"; readonly type: Tensor["type"] } & Range)
  | {
      readonly do: "select" | "scatter";
      readonly x: Range;
      readonly into: Range;
      readonly rows: number;
      readonly positions: Uint32Array;
    };
