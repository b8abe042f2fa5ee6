import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import sharp from "sharp";
import { describe, expect, onTestFinished, test } from "vitest";
import type { SpectrumAnswer } from "../../src/apps/explorer/engine/index.ts";
import {
  loadInput,
  openModel,
  type Preprocess,
  parsePreset,
  presets,
  type SingularTriplets,
} from "../../src/apps/node/index.ts";
import { root } from "../docs/markdown.ts";
import { chromiumPath, withoutChromium } from "../support/chromium.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";
import { openEngine, openInEngine } from "./open-engine.ts";

interface Solved {
  /** The files of the network, and a picture. */
  readonly network: readonly [model: string, ...beside: string[]];
  readonly picture: string;
  readonly preset: Preprocess;
  /** k by tap; k of all taps unless given. */
  readonly solves?: Readonly<Record<string, number>>;
}

const ALL_TAPS = 10;

/** Holds σ of the engine in Chromium against those of Node, each at its own input, which must be the same. */
async function expectSame({ network, picture, preset, solves }: Solved): Promise<void> {
  const files = [...network, picture];
  const page = await openEngine(Object.fromEntries(files.map((file) => [pathOf(file), file])));
  onTestFinished(() => page.close());
  const { pictures } = await openInEngine(page, network.map(pathOf), [pathOf(picture)]);
  const net = await openModel(network[0], { threads: 1 });
  onTestFinished(() => net.close());
  const at = await loadInput(picture, preset);
  expect(pictures[0]!.sha256).toBe(createHash("sha256").update(new Uint8Array(at.data.buffer)).digest("hex"));
  const taps = net.taps.filter((tap) => tap !== net.input);
  for (const [to, k] of Object.entries(solves ?? Object.fromEntries(taps.map(({ name }) => [name, ALL_TAPS])))) {
    const asked = { picture: pictures[0]!.picture, to, k, seed: 1 };
    const found = await page.call<SpectrumAnswer>("ask", "spectrum", asked);
    using J = await net.jacobian({ at, to });
    expectWithinCertificates(found, await J.svd({ k, seed: 1 }));
  }
  expect(page.faults).toEqual([]);
}

/** σ of two spectra differ by no more than both certificates allow: the residuals, and the floors that rounding sets. */
function expectWithinCertificates(
  found: SpectrumAnswer,
  { sigma, certificate }: Pick<SingularTriplets, "sigma" | "certificate">,
): void {
  expect(found.status).not.toContain("unconverged");
  expect(certificate.status).not.toContain("unconverged");
  expect(found.sigma).toHaveLength(sigma.length);
  for (const [i, value] of sigma.entries()) {
    const certified = certificate.residual[i]! + certificate.floors[i]! + found.residual[i]! + found.floors![i]!;
    expect(Math.abs(value - found.sigma[i]!), `σ ${i + 1}`).toBeLessThanOrEqual(certified);
  }
}

const pathOf = (file: string): string => `/${basename(file)}`;

const digits = join(root, "examples/digits");

describe.skipIf(chromiumPath === undefined)(
  `σ of the explorer's engine in Chromium are those of Node within both certificates (${withoutChromium})`,
  { timeout: 300_000 },
  () => {
    test("the digits, at all taps", async () => {
      const file = join(digits, "preprocess.json");
      const preset = await parsePreset(JSON.parse(readFileSync(file, "utf8")), file, () => {
        throw new Error("the preset names no file");
      });
      await expectSame({
        network: [join(digits, "digits.onnx"), file],
        picture: join(digits, "images/3-0013.png"),
        preset,
      });
    });

    const shared = (...parts: readonly string[]) => (sharedDir === undefined ? "" : sharedPath("data", ...parts));
    const photograph = shared("images", "n02279972_monarch.JPEG");
    const rows: readonly Required<Solved>[] = [
      {
        network: [shared("models", "squeezenet1.1.onnx")],
        picture: photograph,
        preset: presets.imagenet,
        solves: { "fire9.concat": 20, logits: 10 },
      },
      {
        network: [shared("models", "resnet20-cifar10.onnx")],
        picture: shared("cifar10", "cat", "0000.jpg"),
        preset: presets.cifar10,
        solves: { "layer2.2.out": 10, logits: 10 },
      },
    ];
    for (const row of rows) {
      const [model] = row.network;
      const name = `${basename(model)} at ${Object.keys(row.solves).join(" and ")}`;
      test.skipIf(!existsSync(model))(`${name}, at a JPEG (${withoutShared})`, async () => {
        await expectSame(row);
      });
    }

    test.skipIf(!existsSync(photograph))(`a photograph as PNG becomes the same input (${withoutShared})`, async () => {
      const folder = await mkdtemp(join(tmpdir(), "pushforward-"));
      onTestFinished(() => rm(folder, { recursive: true }));
      const picture = join(folder, "photograph.png");
      await sharp(photograph).png().toFile(picture);
      await expectSame({ network: rows[0]!.network, picture, preset: presets.imagenet, solves: {} });
    });
  },
);
