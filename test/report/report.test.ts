import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { fileNamesFor } from "../../src/apps/report/file-names.ts";
import { renderFigures, renderReport } from "../../src/apps/report/index.ts";
import { addressesIn, firstBadNesting } from "./markup.ts";
import { syntheticRun } from "./synthetic-run.ts";

const text = (page: string) => parseHTML(page).document.body.textContent?.replace(/\s+/g, " ") ?? "";
const small = { inputs: 3, taps: ["conv1", "pool1", "logits"], k: 12 };

describe("a finished run", async () => {
  const page = await renderReport(syntheticRun(small));

  test("tags nest, ids are unique, and every shared picture is there", () => {
    expect(firstBadNesting(page)).toBeUndefined();
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(3 + 2 * 3 * 3 + 3 * 3); // 3 inputs, 2 vectors a unit, the first of which is local
    for (const [, id] of page.matchAll(/<use href="#([^"]*)"/g)) expect(ids).toContain(id);
  });

  test("asks for nothing from outside and runs no script", () => {
    expect(addressesIn(page).filter((address) => !/^(#|data:)/.test(address))).toEqual([]);
    expect(page).not.toMatch(/<script|<link|<iframe|javascript:|\son\w+=/i);
    expect(page.replaceAll('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/https?:\/\//);
  });

  test("five sentences from the data", () => {
    const lead = parseHTML(page).document.querySelector(".lead")?.textContent ?? "";
    expect(lead).toContain("3 taps of small-net.onnx was computed at 3 inputs: 9 spectra, 102 singular triplets");
    expect(lead).toContain("102 are certified at the tolerance 10⁻⁵");
    expect(lead).toContain("The largest residual is 4.4×10⁻⁷ of the largest σ, at conv1");
    expect(lead).toMatch(
      /The effective rank is [\d.]+ at conv1 \(of the first 12 σ only\) and [\d.]+ at logits \(of all 10 σ\)/,
    );
    expect(lead.match(/\.(?= |$)/g)).toHaveLength(5);
  });

  test("the claim on missed σ stands apart from the residuals", () => {
    const tables = [...parseHTML(page).document.querySelectorAll("table")].map((table) => table.textContent ?? "");
    expect(tables).toHaveLength(3);
    expect(tables[0]).toContain("Worst residual");
    expect(tables[0]).not.toContain("missed");
    expect(tables[1]).toContain("Largest bound on a missed σ");
    expect(tables[1]).not.toContain("residual");
  });

  test("tables have headers of both directions, figures a label", () => {
    const { document } = parseHTML(page);
    for (const table of document.querySelectorAll("table")) {
      expect(table.querySelectorAll("thead th[scope=col]").length).toBeGreaterThan(3);
      for (const row of table.querySelectorAll("tbody tr"))
        expect(row.querySelectorAll("th[scope=row]")).toHaveLength(1);
    }
    for (const svg of document.querySelectorAll(".paper > svg")) expect(svg.getAttribute("aria-label")).toBeTruthy();
  });

  test("only the last gallery is open", () => {
    expect(page.match(/<details[^>]*><summary>\w+/g)).toEqual([
      "<details><summary>conv1",
      "<details><summary>pool1",
      "<details open><summary>logits",
    ]);
  });

  test("provenance, and a command that asks for the same unless the run's own is given", async () => {
    for (const word of [
      "0123456789abcdef".repeat(4),
      "full-scale pixel",
      "seed 0",
      "block Golub-Kahan-Lanczos",
      "node 20.20.0",
    ]) {
      expect(text(page)).toContain(word);
    }
    expect(text(page)).toContain("--taps conv1,pool1,logits --from input");
    expect(text(await renderReport(syntheticRun(small), { command: "pushforward spectrum it" }))).toContain(
      "Command:pushforward spectrum it",
    );
  });

  test("what the device left to the CPU is said once", async () => {
    const run = syntheticRun(small);
    const exception = "Conv of J was computed on the CPU";
    const readUnit: typeof run.readUnit = async (...asked) => {
      const unit = await run.readUnit(...asked);
      return unit && { ...unit, onCpu: [exception] };
    };
    const said = text(await renderReport({ ...run, readUnit }));
    expect(said.split(exception)).toHaveLength(2);
    expect(said).toContain(`Computed on the CPU instead${exception}`);
    expect(text(page)).not.toContain("Computed on the CPU instead");
  });

  test("the run of a control is named as such, and its commands draw it first", async () => {
    const run = syntheticRun(small);
    const model = { ...run.manifest.model, control: { kind: "matched", seed: 4, draw: 3 } };
    const said = text(await renderReport({ ...run, manifest: { ...run.manifest, model } }));
    expect(said).toContain("Jacobian spectra of small-net.onnx (control matched, seed 4, draw 3)");
    expect(said).toContain("Control: matched, seed 4, draw 3");
    expect(said).toMatch(
      /pushforward control small-net\.onnx .*--kind matched --draw 3 --seed 4 .*--out control\.onnx/s,
    );
    expect(said).toMatch(/pushforward spectrum control\.onnx /);
  });

  test("the numbers travel with the page", () => {
    const file = (name: string) => {
      const href = parseHTML(page).document.querySelector(`a[download="${name}"]`)?.getAttribute("href") ?? "";
      return decodeURIComponent(href.slice(href.indexOf(",") + 1));
    };
    const rows = file("sigma.csv").trim().split("\n");
    expect(rows).toHaveLength(1 + 9);
    expect(rows[0]).toMatch(/^input,tap,m,n,k,.*,sigma_1,.*,sigma_12$/);
    const { manifest, units } = JSON.parse(file("run.json"));
    expect(manifest.format).toBe("pushforward-run");
    expect(units[0]).toMatchObject({ input: "tench-1", tap: "conv1", status: [["converged", 12]] });
    expect(units[0].sigma[0]).toBe(Number((rows[1] as string).split(",")[rows[0]!.split(",").indexOf("sigma_1")]));
    expect(units[0].vectors).toBeUndefined();
  });
});

describe("a run that is not whole", () => {
  test("units that are missing are counted at their taps, the rest is drawn", async () => {
    const absent = new Set(["tench-1|logits", "tiger_shark-2|logits", "robin-3|logits", "robin-3|pool1"]);
    const page = await renderReport(syntheticRun({ ...small, absent }));
    expect(firstBadNesting(page)).toBeUndefined();
    expect(text(page)).toContain(
      "This run is unfinished: 4 units of 9 are missing, at pool1 (1 of 3 inputs), logits (3 of 3 inputs).",
    );
    expect(text(page)).toContain("n = 2 to 3");
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  test("units that failed are named with the reason", async () => {
    const absent = new Set(["tench-1|logits", "robin-3|pool1"]);
    const failures = new Map([["tench-1|logits", "Sqrt has no derivative here."]]);
    const page = await renderReport(syntheticRun({ ...small, absent, failures }));
    expect(firstBadNesting(page)).toBeUndefined();
    expect(text(page)).toContain("unfinished: 1 unit of 9 are missing, at pool1 (1 of 3 inputs).");
    expect(text(page)).toContain("1 unit failed, and the command that made the run tries it again:");
    expect(text(page)).toContain("tench-1 → logits: Sqrt has no derivative here.");
  });

  test("nothing finished yet", async () => {
    const page = await renderReport(syntheticRun({ ...small, failed: [0, 1, 2] }));
    expect(text(page)).toContain("No unit of this run is finished yet.");
    expect(text(page)).toContain("3 inputs could not be used: tench-1, tiger_shark-2, robin-3.");
    expect(text(page)).toContain("failed: not a JPEG file");
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  test("triplets that did not converge are named in the summary and the tables", async () => {
    const page = await renderReport(syntheticRun({ ...small, unconverged: 2 }));
    expect(text(page)).toContain(
      "84 are certified at the tolerance 10⁻⁵ (relative to the largest σ), 18 did not converge",
    );
    expect(text(page)).toContain("× 6 not");
    expect(text(page)).toContain("In 9 units, the solver reached its limit of products or was interrupted");
  });

  test("one input: n = 1 in every caption, no ±", async () => {
    const page = await renderReport(syntheticRun({ ...small, inputs: 1 }));
    const captions = [...parseHTML(page).document.querySelectorAll("figcaption")].map(
      (caption) => caption.textContent ?? "",
    );
    expect(captions).toHaveLength(2 + 3);
    for (const caption of captions) expect(caption).toContain("n = 1");
    expect(page).not.toContain("± 0");
  });

  test("no vectors kept, exact zeros", async () => {
    const page = await renderReport(syntheticRun({ ...small, vectors: false, zeros: 0.5 }));
    expect(text(page)).toContain("This run stores no singular vectors with σ above the floor.");
    expect(text(page)).toMatch(/\d+ have σ below the floor, where it cannot be told from zero/);
    expect(text(page)).toMatch(/\d+ of 102 σ are zero or lie below the floor/);
    expect(page).not.toMatch(/NaN|Infinity/);
  });
});

describe("names from outside", () => {
  const taps = ['<img src=x onerror="a()">', "../../etc/passwd", "A/b", "a/B", "層"];

  test("never become markup", async () => {
    const page = await renderReport(syntheticRun({ inputs: 1, taps, k: 3 }), {
      command: "</code><script>alert(1)</script>",
    });
    expect(firstBadNesting(page)).toBeUndefined();
    expect(page).not.toMatch(/<img|<script/);
    expect(page).toContain("&lt;img src=x onerror=&quot;a()&quot;&gt;");
  });

  test("file names are plain, visible and different on every file system", async () => {
    const files = [...(await renderFigures(syntheticRun({ inputs: 1, taps, k: 3 }))).keys()];
    expect(files.slice(0, 2)).toEqual(["fig3.svg", "by-depth.svg"]);
    for (const name of files) expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*\.svg$/);
    expect(new Set(files.map((name) => name.toLowerCase())).size).toBe(2 + taps.length);
    expect(fileNamesFor(["A/b", "a/B", ".", "", "x".repeat(300)])).toEqual([
      "A_b",
      "a_B-2",
      "tap",
      "tap-2",
      "x".repeat(80),
    ]);
  });

  test("a table's text fields are quoted, and are no formulas", async () => {
    const page = await renderReport(syntheticRun({ inputs: 1, taps: ["=1+1", 'a,"b"'], k: 2 }));
    const href = page.match(/download="sigma.csv" href="[^,]*,([^"]*)"/)?.[1] ?? "";
    const rows = decodeURIComponent(href).split("\n");
    expect(rows[1]).toMatch(/^tench-1,'=1\+1,/);
    expect(rows[2]).toMatch(/^tench-1,"a,""b""",/);
  });
});

test("16 inputs at 20 taps, 200 σ and colour pictures stay below 5 MB", { timeout: 60_000 }, async () => {
  const taps = Array.from({ length: 20 }, (_, i) => `block${i}.out`);
  const page = await renderReport(syntheticRun({ taps, k: 200, source: [3, 96, 96] }));
  expect(Buffer.byteLength(page)).toBeLessThan(5e6);
});
