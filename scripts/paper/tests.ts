// How the page names the claims of the paper and the tests of each, in the order in which they are shown.
import { type ClaimName, claims } from "../../src/studies/index.ts";
import type { PaperRecord, PaperVerdict } from "./records.ts";

/** Short names of the claims, which are also the headings of their sections. */
export const headings: Readonly<Record<ClaimName, string>> = {
  steep: "Spectra are steep in higher layers",
  local: "Singular vectors of large σ are local",
  shrinks: "Singular values shrink with noise",
  "with the class": "They shrink where recognition becomes worse",
  cause: "What in the network makes them shrink",
  directions: "Noise along the first vectors has other effects",
  erased: "Differences within a class are erased",
  movement: "Images move together or apart through the layers",
  manifold: "The network captures the manifold of its data",
};

/** A test of a claim: what is tested, in which number. */
export interface Test {
  readonly on: ClaimName;
  readonly title: string;
  /** The number, as a part of a sentence. */
  readonly number: string;
}

/** By the id of the claim in its study. The first one of each claim of the paper is the one that the first page tells in full. */
export const tests: Readonly<Record<string, Test>> = {
  steeper: {
    on: "steep",
    title: "Spectra become steeper along the layers",
    number: "the logarithm of the effective rank at the first tap divided by that at the last tap",
  },
  few: {
    on: "steep",
    title: "Few singular values are large at the last tap",
    number: "the share of all σ at the last tap that exceed σ₁/10",
  },
  area: {
    on: "local",
    title: "Vectors of larger σ have a smaller area",
    number: "the rank correlation of σ with the area of its vector at the last tap",
  },
  spread: {
    on: "local",
    title: "Vectors of larger σ have a smaller spread",
    number: "the rank correlation of σ with the spread of its vector at the last tap",
  },
  ...Object.fromEntries(
    ["gaussian", "uniform", "salt-and-pepper", "blur", "jpeg"].map((kind): [string, Test] => [
      `shrinks-${kind}`,
      {
        on: "shrinks",
        title: `Singular values shrink with ${kind} noise`,
        number: `the mean logarithm of σ without noise divided by σ with the strongest ${kind} noise at the last tap`,
      },
    ]),
  ),
  "with-the-class": {
    on: "with the class",
    title: "Singular values shrink where the class becomes uncertain",
    number: "the rank correlation of the margin of the class with Σσ² over all kinds and levels of noise",
  },
  cause: {
    on: "cause",
    title: "Active neurons change J more than normalizers and pools do",
    number: "the part of the active neurons in the change of log Σσ² minus the largest other part",
  },
  "moves-more": {
    on: "directions",
    title: "Noise along the first vectors moves the output more",
    number:
      "the logarithm of how far weak noise along the first vectors moves the output, divided by the same for the last vectors",
  },
  "changes-class": {
    on: "directions",
    title: "Noise along the first vectors changes the class more often",
    number: "the share of classes that noise along the first vectors changes, minus that for the last vectors",
  },
  "classes-grow-more": {
    on: "erased",
    title: "Differences between classes grow more than those within a class",
    number: "the mean logarithm of the growth of differences between classes divided by that within a class",
  },
  "classes-in-span": {
    on: "erased",
    title: "The first vectors contain more of the differences between classes",
    number:
      "the mean logarithm of the share of differences between classes in the first vectors, divided by the share of those within a class",
  },
  "classes-part": {
    on: "movement",
    title: "Classes part along the layers",
    number:
      "the logarithm of the distance between classes divided by that within classes, at the last tap relative to the first",
  },
  "fewer-directions": {
    on: "movement",
    title: "Images spread in fewer directions at the last tap",
    number: "the logarithm of the participation ratio of the images at the first tap divided by that at the last tap",
  },
  tangents: {
    on: "manifold",
    title: "The first vectors contain tangents of transformations",
    number: "the share of tangents of transformations in the first vectors of the last tap, divided by chance",
  },
  neighbours: {
    on: "manifold",
    title: "The first vectors contain directions to neighbours",
    number: "the share of the directions to neighbours in the first vectors of the last tap, divided by chance",
  },
  "tangents-grow": {
    on: "manifold",
    title: "The share of tangents grows along the layers",
    number: "the mean logarithm of the share of tangents at the last tap divided by that at the first tap",
  },
};

export const claimNames = Object.keys(claims) as ClaimName[];

/** A verdict with the network that it is about. */
export interface Found {
  readonly network: string;
  readonly record: PaperRecord;
  readonly verdict: PaperVerdict;
}

/** All verdicts on a claim of the paper, or of one test of it. */
export function foundOf(records: readonly PaperRecord[], is: (verdict: PaperVerdict) => boolean): Found[] {
  return records.flatMap((record) =>
    record.verdicts.filter(is).map((verdict) => ({ network: record.network, record, verdict })),
  );
}

export const networksOf = (records: readonly PaperRecord[]): string[] =>
  [...new Set(records.map(({ network }) => network))].sort();

/** The control that a claim is held against first: the strictest of the random ones that were measured. */
export const MAIN = "matched";

/** What the control of a kind says about a claim. */
export const controlOf = ({ verdict }: Found, kind = MAIN) => verdict.controls.find((control) => control.kind === kind);

/** Of a heading, as hosts of Markdown make it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, "")
    .replaceAll(" ", "-");
}
