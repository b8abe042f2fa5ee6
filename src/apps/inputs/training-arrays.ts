import { formatShape, PushforwardError } from "../../base/index.ts";
import { type NumberArray, readNpy } from "../../images/index.ts";
import { type DataSet, losses, lossName, type Recipe, type Targets } from "../../training/index.ts";

/** A file by the path that a recipe names. */
type ReadFile = (path: string) => Promise<{ readonly file: string; readonly bytes: Uint8Array }>;

/**
 * The examples of a recipe whose data are arrays (.npy).
 *
 * @throws PushforwardError `usage` naming the key that is missing; `shape-mismatch` if the arrays do not fit; errors of `readNpy` and `read`
 */
export async function readArrays({ network, loss, data = {} }: Recipe, read: ReadFile): Promise<DataSet> {
  const { inputs: path, targets, labels } = data;
  if (path === undefined) {
    throw new PushforwardError("usage", {
      what: "The data name no array of inputs.",
      where: { option: "data.inputs" },
      fix: 'Give "inputs", an .npy file [N, …].',
    });
  }
  const { file, bytes } = await read(path);
  const {
    shape: [count = 0, ...shape],
    data: inputs,
  } = readNpy(bytes, file);
  if (shape.join() !== network.input.join()) {
    throw new PushforwardError("shape-mismatch", {
      what: `The inputs are ${formatShape(shape)}, but the network takes ${formatShape(network.input)}.`,
      where: { file, option: "data.inputs" },
      fix: "Give an array [N, …] of N inputs of the network.",
    });
  }
  /** An array with an entry for each input. */
  const readEach = async (path: string, option: string, thing: string) => {
    const { file, bytes } = await read(path);
    const array = readNpy(bytes, file);
    if (array.shape[0] === count) return { file, array };
    throw new PushforwardError("shape-mismatch", {
      what: `There are ${array.shape[0] ?? 1} ${thing}s for ${count} inputs.`,
      where: { file, option },
      fix: `Give one ${thing} for each input.`,
    });
  };
  const needsTargets = losses[lossName(loss)].hasTarget;
  if (targets === "inputs" || (targets === undefined && !needsTargets)) {
    if (labels === undefined) return { shape, inputs, targets: { kind: "inputs" } };
    const { file, array } = await readEach(labels, "data.labels", "label");
    return { shape, inputs, targets: { kind: "inputs", labels: classesOf(array, file, "data.labels") } };
  }
  if (targets === undefined) {
    throw new PushforwardError("usage", {
      what: "The data name no targets.",
      where: { option: "data.targets" },
      fix: 'Give an .npy file of classes or outputs, or "inputs" for an auto-encoder.',
    });
  }
  const { file: targetFile, array } = await readEach(targets, "data.targets", "target");
  return { shape, inputs, targets: targetsOf(array, lossName(loss) === "softmaxCrossEntropy", targetFile) };
}

/** N numbers are classes if the loss is one of classes. */
function targetsOf(wanted: NumberArray, areClasses: boolean, file: string): Targets {
  if (!areClasses || wanted.shape.length > 1) return { kind: "values", values: wanted.data };
  return { kind: "labels", labels: classesOf(wanted, file, "data.targets") };
}

function classesOf({ data }: NumberArray, file: string, option: string): Int32Array {
  const wrong = data.find((value) => !Number.isInteger(value) || value < 0);
  if (wrong === undefined) return Int32Array.from(data);
  throw new PushforwardError("usage", {
    what: `${wrong} is no class.`,
    where: { file, option },
    fix:
      option === "data.targets"
        ? "Give whole numbers from 0, or an array [N, classes] of what each output is to be."
        : "Give whole numbers from 0.",
  });
}
