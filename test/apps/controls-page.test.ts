import { cp, rm } from "node:fs/promises";
import { parseHTML } from "linkedom";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderStudies } from "../../src/apps/report/index.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openStudyRun } from "../../src/results/index.ts";
import { pushforward } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

const labels = ["a", "b", "a", "b", "a", "b"];
let place: Workplace;
type Page = ReturnType<typeof parseHTML>["document"];
type PageElement = NonNullable<ReturnType<Page["querySelector"]>>;
let page: Page;
let files: ReadonlyMap<string, string | Uint8Array>;

async function render(): Promise<void> {
  const report = await renderStudies(place.path("out"));
  files = report.files;
  page = parseHTML(report.page).document;
}

const textOf = (node: PageElement | null): string => node?.textContent?.replace(/\s+/g, " ").trim() ?? "";
const textsOf = (selector: string): string[] => [...page.querySelectorAll(selector)].map(textOf);
/** Rows of a table of the folder, by the names of its columns. */
function rowsOf(name: string): Record<string, string>[] {
  const [head, ...rows] = String(files.get(name)).trim().split("\n");
  // Names of columns may contain commas, and are then quoted.
  const cells = (line: string) => [...line.matchAll(/(?:^|,)("(?:[^"]|"")*"|[^,]*)/g)].map(([, cell]) => cell!);
  const columns = cells(head!).map((cell) => cell.replace(/^"|"$/g, ""));
  return rows.map((row) => Object.fromEntries(cells(row).map((cell, i) => [columns[i]!, cell])));
}

beforeAll(async () => {
  place = await createWorkplace({
    "net.onnx": writeModel(convnet()),
    "initial.onnx": writeModel(convnet({ seed: 1 })),
    "labels.tsv": labels.map((label, i) => `${i}.npy\t${label}\n`).join(""),
    ...Object.fromEntries(labels.map((_, i) => [`in/${i}.npy`, randomNpy([1, 12, 12], i)])),
  });
  const command = ["study", "trajectory", "net.onnx", "in", "--labels", "labels.tsv", "--taps", "relu1,logits"];
  const controls = ["--control", "initial=initial.onnx,permuted", "--draws", "6", "--out", "out"];
  expect(await pushforward([...command, ...controls], { cwd: place.folder })).toMatchObject({ code: 0 });
  await render();
}, 120_000);
afterAll(() => place.remove());

describe("the page of a study with controls", () => {
  test("has three verdicts on each claim, each with its numbers", () => {
    const claims = [...page.querySelectorAll("#trajectory .claims tbody")];
    expect(claims.length).toBeGreaterThan(1);
    const networks = ["trained", "permuted", "trained − permuted", "initial", "trained − initial"];
    const outcomes = /^. (supported|not supported|contradicted|undecided)$/;
    const differences = /^. (training adds|training takes away|no difference shown|undecided)$/;
    for (const claim of claims) {
      const rows = [...claim.querySelectorAll("tr")].slice(1);
      const cells = rows.map((row) => [...row.querySelectorAll("td")].map(textOf));
      expect(cells.map(([network]) => network)).toEqual(networks);
      for (const [i, [, verdict, numbers]] of cells.entries()) {
        expect(verdict).toMatch(i === 2 || i === 4 ? differences : outcomes);
        expect(numbers).toMatch(/95 % interval .*n = 6 images|the same for all/);
      }
      expect(cells[2]![2]).toContain("n = 6 images × 6 draws");
      expect(cells[4]![2]).not.toContain("draws");
    }
    const short = textsOf("nav .verdicts > li");
    expect(short).toHaveLength(claims.length);
    for (const line of short) expect(line).toMatch(/against permuted: . .* against initial: . /);
  });

  test("says what the controls are, and which draws the numbers come from", () => {
    expect(textsOf("main > section > ul strong")).toEqual(["permuted", "initial"]);
    expect(textsOf("dt")).toContain("Control permuted");
    expect(textsOf("dd")).toContain("6 draws of seed 0: 1, 2, 3, 4, 5, 6");
    expect(textsOf("dd").some((text) => text.startsWith("initial.onnx, sha256 "))).toBe(true);
    expect(textsOf(".notice")).toEqual([]);
  });

  test("has columns of the controls in tables, under one heading for each quantity", () => {
    const columns = Object.keys(rowsOf("trajectory-by-tap.csv")[0]!);
    const measured = columns
      .filter((name) => name.endsWith(", permuted"))
      .map((name) => name.replace(", permuted", ""));
    expect(measured.length).toBeGreaterThan(0);
    for (const name of measured) {
      for (const kind of ["permuted", "initial"]) {
        for (const column of [`${name}, ${kind}`, `${name}, trained − ${kind}`]) {
          expect(columns).toEqual(expect.arrayContaining([column, `${column}, low`, `${column}, high`]));
        }
      }
      const heading = [...page.querySelectorAll("th.group")].find((node) => textOf(node) === name);
      expect(heading?.getAttribute("colspan")).toBe("5");
    }
    const rows = [...page.querySelectorAll("#trajectory .scroll table tbody tr")];
    const heads = page.querySelectorAll("#trajectory .scroll thead tr:first-child th[rowspan]").length;
    for (const row of rows) expect(row.querySelectorAll("th, td")).toHaveLength(heads + 5 * measured.length);
  });

  test("a difference is that of the trained network and the mean of the draws", () => {
    const rows = rowsOf("trajectory-claims.csv").filter(
      (row) => row.control === "permuted" && row["without image"] === "",
    );
    expect(rows.length).toBeGreaterThan(0);
    const told = textsOf("#trajectory .claims tbody tr:nth-child(4) td:last-child");
    for (const [i, row] of rows.filter(({ number }) => number === "measure").entries()) {
      const draws = [1, 2, 3, 4, 5, 6].map((draw) => Number(row[`draw ${draw}`]));
      const difference = Number(row.trained) - draws.reduce((sum, value) => sum + value, 0) / 6;
      const shown = Number(/control: (\S+)/.exec(told[i]!)![1]!.replace("−", "-"));
      expect(shown).toBeCloseTo(difference, 2);
    }
  });
});

describe("results that do not count", () => {
  const last = () => new DirectoryStore(place.path("out/controls/permuted/6/trajectory"));

  test("a draw that is not finished is left out, and the page says so", async () => {
    await last().delete("/done/c/1");
    await render();
    expect(textsOf(".notice")).toEqual(["Of the control permuted, 5 finished draws count; draw 6 is not finished."]);
    expect(textsOf("dd")).toContain("5 draws of seed 0: 1, 2, 3, 4, 5");
    expect(textsOf("#trajectory .claims tbody tr:nth-child(4) .badge")).toEqual(
      textsOf("#trajectory .claims tbody").map(() => "? undecided"),
    );
  });

  test("cells of a control that failed are listed", async () => {
    await (await openStudyRun(last())).fail([1], "The value is not finite.");
    await render();
    const [notice, ...others] = textsOf(".notice");
    expect(others).toEqual([]);
    expect(notice).toContain("1 cell of the study trajectory of the control permuted 6 failed.");
    expect(notice).toContain("tap relu1: The value is not finite.");
  });

  test("a folder that contains another draw is left out", async () => {
    await rm(place.path("out/controls/permuted/5"), { recursive: true });
    await cp(place.path("out/controls/permuted/1"), place.path("out/controls/permuted/5"), { recursive: true });
    await render();
    expect(textsOf(".notice").join(" ")).toContain(
      "The control permuted 5 does not count. This folder contains the study with other settings. " +
        "control: stored permuted, seed 0, draw 1, asked permuted, seed 0, draw 5.",
    );
  });
});
