import { afterAll, beforeAll, expect, test } from "vitest";
import { paramsOf, studies } from "../../src/studies/index.ts";
import { convnet } from "../apps/networks.ts";
import { type Laboratory, laboratory } from "../studies/laboratory.ts";
import { languageModel } from "../studies/language-model.ts";
import { readPage } from "./markdown.ts";

let one: Laboratory;
/** For the study that reads the states of tokens. */
let tokens: Laboratory;
beforeAll(async () => {
  const labels = ["a", "a", "a", "b", "b", "b"];
  const checkpoints = { trainings: ["0"], steps: [0, 1], open: () => Promise.reject(new Error("nothing is measured")) };
  const encoders = { names: ["0"], open: () => Promise.reject(new Error("nothing is measured")) };
  const options = {
    model: convnet(),
    taps: ["relu1", "logits"],
    count: 6,
    k: 40,
    vectors: 20,
    labels,
    checkpoints,
    encoders,
  };
  one = await laboratory(options);
});
beforeAll(async () => {
  tokens = await laboratory({ model: languageModel(), taps: ["state0", "state1"] });
});
afterAll(() => Promise.all([one.close(), tokens.close()]));

/** `study | array | dims | unit | meaning`, as the page has its rows. */
async function rowsOf(study: (typeof studies)[number]): Promise<string[]> {
  const { cell, variables } = await study.design((study.id === "lens" ? tokens : one).lab, paramsOf(study));
  return Object.entries(variables).map(([name, { dims, unit, about }]) => {
    const cells = [`\`${name}\``, [...cell, ...dims].join(", "), unit ?? "1", about.replaceAll("|", "\\|")];
    return `| ${cells.join(" | ")} |`;
  });
}

test.each(studies.map((study) => [study.id, study] as const))(
  "the page lists every array of %s, and no other",
  async (id, study) => {
    const section = readPage("docs/results.md").split(`### \`${id}\`\n`)[1]?.split("\n#")[0] ?? "";
    const listed = section.split("\n").filter((line) => line.startsWith("| `"));
    expect(listed).toEqual(await rowsOf(study));
  },
);
