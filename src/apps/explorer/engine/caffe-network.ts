import { PushforwardError, type Shape } from "../../../base/index.ts";
import { fitTo, parsePreset, presets } from "../../../images/index.ts";
import { writeModel } from "../../../onnx/index.ts";
import type { ChosenPreset } from "./network-description.ts";
import { chosen } from "./preset-choice.ts";
import type { GivenFile } from "./protocol.ts";
import { readGiven } from "./read-given.ts";

/** A network of Caffe as an ONNX file. */
interface CaffeNetwork {
  readonly model: GivenFile;
  /** How its pictures are prepared, if the .prototxt tells it or pictures of Caffe's networks are usually prepared so. */
  readonly chosen: ChosenPreset | undefined;
  /** What a user should know of the conversion, in sentences. */
  readonly notes: readonly string[];
}

export const isOfCaffe = ({ name }: GivenFile): boolean => /\.(prototxt|caffemodel)$/i.test(name);

/**
 * Converts the network of Caffe among some files, as `pushforward import` does. The code for that is loaded when it is first needed.
 *
 * @throws PushforwardError `usage` if it is no pair of a .prototxt and a .caffemodel; what `importCaffe` throws
 */
export async function fromCaffe(files: readonly GivenFile[], inputShape: Shape | undefined): Promise<CaffeNetwork> {
  const [texts, weights] = [/\.prototxt$/i, /\.caffemodel$/i].map((end) => files.filter(({ name }) => end.test(name)));
  if (texts!.length !== 1 || weights!.length !== 1) {
    throw new PushforwardError("usage", {
      what: `A network of Caffe is one .prototxt and one .caffemodel, and there are ${texts!.length} and ${weights!.length}.`,
      fix: "Give the description and the weights of the network together.",
    });
  }
  const [text, blobs] = await Promise.all([readGiven(texts![0]!), readGiven(weights![0]!)]);
  const { importCaffe, presetOf } = await import("../../../caffe/index.ts");
  const imported = importCaffe(
    { bytes: text.bytes, file: text.name },
    { bytes: blobs.bytes, file: blobs.name },
    inputShape === undefined ? {} : { shapes: new Map([["", inputShape]]) },
  );
  const shape = imported.inputShape.slice(1);
  const { meanFile } = imported.transform ?? {};
  const json = meanFile === undefined ? presetOf(imported, undefined, "") : undefined;
  return {
    model: { name: blobs.name.replace(/\.caffemodel$/i, ".onnx"), content: writeModel(imported.model) },
    chosen: json === undefined ? usual(shape) : await told(json, text.name),
    notes: imported.notes.map((note) => `${note[0]!.toUpperCase()}${note.slice(1)}.`),
  };
}

async function told(json: unknown, file: string): Promise<ChosenPreset> {
  const preset = await parsePreset(json, file, () => {
    throw new TypeError("A preset without a mean image reads no file.");
  });
  return chosen(preset, `It is in the file ${file}.`);
}

/** Caffe's networks of colour pictures take blue, green and red from 0 to 255, minus a mean, at the size of the input or cropped to it. */
function usual(shape: Shape): ChosenPreset | undefined {
  const [channels, height, width] = shape;
  if (shape.length !== 3 || channels !== 3) return undefined;
  const { resize, crop, ...alexnet } = presets["caffe-alexnet"];
  const isCropped = Math.max(height!, width!) <= Math.min(...resize.exact);
  const size = isCropped ? { resize, crop } : { resize: { exact: [height!, width!] as const }, crop: "none" as const };
  const preset = fitTo({ ...alexnet, ...size }, shape);
  const reason =
    "Pictures are prepared as for Caffe's AlexNet, with the mean pixel of ImageNet, because the .prototxt does not tell the mean.";
  return chosen(preset, reason, true);
}
