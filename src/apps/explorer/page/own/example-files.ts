import { PushforwardError } from "../../../../base/index.ts";
import type { GivenFile } from "../../engine/index.ts";

/** The files of the example's network, with its preprocessing. */
export const exampleNetwork = (): Promise<GivenFile[]> => Promise.all(["digits.onnx", "preprocess.json"].map(fetched));

/** The example's pictures, with their labels. */
export const examplePictures = (names: readonly string[]): Promise<GivenFile[]> =>
  Promise.all(["labels.tsv", ...names.map((name) => `images/${name}.png`)].map(fetched));

async function fetched(name: string): Promise<GivenFile> {
  const response = await fetch(`example/${name}`);
  if (response.ok) return { name, content: await response.blob() };
  throw new PushforwardError("file-unreadable", {
    what: `The example's file ${name} could not be read.`,
    fix: "Reload the page; if that does not help, build the site again: npm run explorer.",
  });
}
