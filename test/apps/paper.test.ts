import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openRun, openStudyRun } from "../../src/results/index.ts";
import { paperStudies, readStudy, type StudyData } from "../../src/studies/index.ts";
import { valueAt } from "../../src/studies/study.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";
import { type Outcome, pushforward } from "./command-line.ts";
import { digits, quickly } from "./digits.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({});
});
afterAll(() => place.remove());

const read = async (out: string, study: string): Promise<StudyData> =>
  readStudy(await openStudyRun(new DirectoryStore(place.path(out, study))));

/** What must hold of any network's studies. */
function laws(out: string, outcome: () => Outcome): void {
  test("every study of the paper is there, and one page of them", async () => {
    expect(outcome()).toMatchObject({ code: 0, stdout: `${out}/studies.html\n` });
    expect(await place.list(out)).toEqual(
      expect.arrayContaining(["run", "studies.html", ...paperStudies.map(({ id }) => id)]),
    );
    const page = (await place.bytes(out)).get("studies.html")!.toString();
    for (const { id } of paperStudies) expect(page.includes(`<section id="${id}">`)).toBe(true);
    expect(page.match(/NaN|undefined|Infinity/g) ?? []).toEqual([]);
  });

  test("spectra: what the steps add is log σ", async () => {
    const data = await read(out, "spectra");
    const { tap, image, step, direction } = data.axes;
    for (const i of image!.keys()) {
      for (const d of direction!.keys()) {
        const last = tap!.length - 1;
        const grown = step!
          .map((_, s) => valueAt(data, "growth", [last, i, s, d]))
          .filter((value) => !Number.isNaN(value));
        const sigma = valueAt(data, "sigma", [last, i, d]);
        expect(grown.reduce((sum, value) => sum + value, 0)).toBeCloseTo(Math.log(sigma), 3);
      }
    }
  });

  test("noise: exchanging every factor gives the noisy picture's J", async () => {
    const data = await read(out, "noise");
    const { kind, level, order, factor } = data.axes;
    for (const k of kind!.keys()) {
      for (const l of level!.keys()) {
        const whole = Math.log(valueAt(data, "energy", [0, k, l]));
        for (const o of order!.keys()) {
          const parts = factor!.map((_, f) => valueAt(data, "part", [0, k, l, o, f]));
          expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(whole, 4);
        }
      }
    }
  });

  test("pairs: J enlarges no difference by more than σ₁", async () => {
    const data = await read(out, "pairs");
    const run = await openRun(new DirectoryStore(place.path(out, "run")));
    const { image, kind, pair, tap } = data.axes;
    for (const i of image!.keys()) {
      for (const t of tap!.keys()) {
        const { sigma } = (await run.readUnit(i, t))!;
        for (const k of kind!.keys()) {
          for (const p of pair!.keys()) {
            if (Number.isNaN(valueAt(data, "partner", [i, k, p]))) continue; // a class may have no other so many
            expect(valueAt(data, "linear", [i, k, p, t, 0])).toBeLessThanOrEqual(sigma[0]! * (1 + 1e-4));
          }
        }
      }
    }
  });

  test("manifold: chance is j/n", async () => {
    const data = await read(out, "manifold");
    const run = await openRun(new DirectoryStore(place.path(out, "run")));
    const { n } = (await run.readUnit(0, 0))!;
    expect(valueAt(data, "chance", [0, 0, 0])).toBeCloseTo(Number(data.axes.direction![0]) / n, 12);
  });
}

describe("the paper's studies of the digits network", () => {
  let outcome: Outcome;
  beforeAll(async () => {
    outcome = await pushforward(["paper", ...quickly], { cwd: place.folder });
  }, 120_000);
  laws("studies", () => outcome);

  test("a study that the inputs do not do is left out, with its reason", async () => {
    const [model, one] = digits;
    const alone = [model!, one!, "--preprocess", "mnist", "--taps", "logits", "--quick", "--out", "alone"];
    const { code, stderr } = await pushforward(["paper", ...alone], { cwd: place.folder });
    expect(code).toBe(0);
    expect(stderr).toContain(
      "note: the study trajectory is left out: The study of trajectories needs at least 3 inputs, but there is only 1.",
    );
    expect(await place.list("alone")).not.toContain("trajectory");
    expect((await place.bytes("alone")).get("studies.html")!.includes("undecided")).toBe(true);
  }, 60_000);
});

describe.skipIf(sharedDir === undefined)(`the paper's studies of ResNet-20 (${withoutShared})`, () => {
  let outcome: Outcome;
  beforeAll(async () => {
    const files = ["airplane", "cat"].flatMap((name) => {
      const folder = sharedPath("data", "cifar10", name);
      return readdirSync(folder)
        .sort()
        .slice(0, 2)
        .map((file) => ({ name, file: join(folder, file) }));
    });
    await place.put("labels.tsv", files.map(({ name, file }) => `${file}\t${name}\n`).join(""));
    const settings = ["--preprocess", "cifar10", "--labels", "labels.tsv", "--taps", "layer1.0.out,logits"];
    outcome = await pushforward(
      [
        ...["paper", sharedPath("data", "models", "resnet20-cifar10.onnx"), ...files.map(({ file }) => file)],
        ...[...settings, "-k", "12", "--quick", "--out", "resnet"],
      ],
      { cwd: place.folder },
    );
  }, 240_000);
  laws("resnet", () => outcome);
});
