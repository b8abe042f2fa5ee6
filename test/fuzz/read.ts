import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { choosePreset } from "../../src/apps/node/choose-preset.ts";
import { externalReader } from "../../src/apps/node/external-data.ts";
import { labelInputs } from "../../src/apps/node/labels.ts";
import { readDrawnNetwork, readJson, readTrainings } from "../../src/apps/node/recipe-file.ts";
import { PushforwardError } from "../../src/base/index.ts";
import { importCaffe, presetOf, readMeanImage } from "../../src/caffe/index.ts";
import { type DecodedImage, preprocess, presetNamed, readExactNpy, readNpy } from "../../src/images/index.ts";
import { checkModel, type Evaluate, normalize, readModel, writeModel } from "../../src/onnx/index.ts";
import { imageDecoder } from "../../src/platform/node/image-decoder.ts";
import { decodePng } from "../../src/platform/web/png.ts";
import { parseSpace } from "../../src/search/index.ts";
import { type Kind, type Seed, WEIGHTS } from "./seeds.ts";

/** The bytes of a file outside of the folder that is read. Those of the file within it differ. */
const [CANARY, OWN] = [0xca, 0x01];

/** Makes the folder in which mutants are read, and beside it what must not be read. */
export function prepare(folder: string): void {
  const around = dirname(folder);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(around, "canary.bin"), new Uint8Array(4096).fill(CANARY));
  writeFileSync(join(folder, WEIGHTS), new Uint8Array(4096).fill(OWN));
  writeFileSync(join(folder, "net.onnx"), "");
  symlinkSync(join(around, "canary.bin"), join(folder, "link.bin"));
  symlinkSync(around, join(folder, "folder"));
}

/** In place of ONNX Runtime: graphs are read up to where one first runs. */
const noRuntime: Evaluate = () =>
  Promise.reject(new PushforwardError("backend-failed", { what: "Nothing runs here.", fix: "None." }));

const picture: DecodedImage = { width: 28, height: 28, channels: 3, data: new Uint8Array(3 * 28 * 28).fill(100) };

/** Reads the files of a mutant as the commands do, or throws. */
export type ReadMutant = (files: Seed, folder: string) => Promise<unknown>;

/** Writes the files of a mutant, and gives the path of the first. */
function written(files: Seed, folder: string): string {
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return join(folder, Object.keys(files)[0]!);
}

export const readers: Readonly<Record<Kind, ReadMutant>> = {
  async model(files, folder) {
    const file = join(folder, "net.onnx");
    const read = externalReader(file);
    const onnx = await readModel(files["net.onnx"]!, {
      file,
      async external(location, offset, length) {
        const bytes = await read(location, offset, length);
        if (bytes.includes(CANARY)) throw new Canary();
        return bytes;
      },
    }).catch(canaryFirst);
    await normalize(checkModel(onnx, file), { file, evaluate: noRuntime });
  },
  async image(files) {
    const [name, bytes] = Object.entries(files)[0]!;
    const image = await imageDecoder.decode(bytes);
    preprocess(image, presetNamed("imagenet"));
    // The page in a browser has a decoder of its own, whose errors its caller takes for damage.
    if (name.endsWith(".png")) await Promise.resolve(bytes).then(decodePng).catch(onlyErrors);
  },
  async npy(files) {
    const [name, bytes] = Object.entries(files)[0]!;
    const { shape, data } = readExactNpy(bytes, name);
    holdsWhole(shape, data.length);
    readNpy(bytes, name);
  },
  async preset(files, folder) {
    const preset = await choosePreset(written(files, folder), [3, 28, 28], false);
    preprocess(picture, preset);
  },
  async labels(files, folder) {
    const inputs = ["a.png", "n01440764_1.png", "7/b, c.png"].map((file) => ({ file: join(folder, file), below: [] }));
    await labelInputs(written(files, folder), inputs);
  },
  async caffe(files) {
    const imported = importCaffe(
      { bytes: files["net.prototxt"]!, file: "net.prototxt" },
      { bytes: files["net.caffemodel"]!, file: "net.caffemodel" },
    );
    const mean = readMeanImage(files["mean.binaryproto"]!, "mean.binaryproto");
    presetOf(imported, mean, "mean.npy");
    for (const { shape, data } of imported.model.graph.initializers.values()) holdsWhole(shape, data.length);
    writeModel(checkModel(imported.model));
  },
  async recipe(files, folder) {
    const file = written(files, folder);
    if (basename(file) === "space.json") {
      const space = parseSpace((await readJson(file)).json, file);
      for (const index of [0, 1]) space.draw(0, index);
      return;
    }
    // A file may be a recipe and no network with its initializer, and the other way round.
    const ends = await Promise.allSettled([readTrainings(file, join(folder, "out")), readDrawnNetwork(file)]);
    const thrown = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : []));
    const strange = thrown.find((error) => !(error instanceof PushforwardError));
    if (strange !== undefined || thrown.length === 2) throw strange ?? thrown[0];
  },
};

/** The content of a file outside of the folder was read. */
class Canary extends Error {
  override readonly message = "a file outside of the folder was read";
}

/** What was read of a forbidden file must not be hidden behind the error that it leads to. */
function canaryFirst(error: unknown): never {
  if (error instanceof PushforwardError && error.cause instanceof Canary) throw error.cause;
  throw error;
}

function onlyErrors(error: unknown): void {
  if (!(error instanceof Error)) throw error;
}

/** What is read is whole: a shape of whole numbers that its entries fill. */
function holdsWhole(shape: readonly number[], length: number): void {
  const entries = shape.reduce((product, extent) => product * extent, 1);
  if (shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0) && entries === length) return;
  throw new Error(`${length} entries were read with the shape [${shape.join(", ")}]`);
}
