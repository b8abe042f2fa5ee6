import { createRng, type Rng } from "../../src/base/index.ts";
import { floatTensor } from "../../src/onnx/index.ts";
import type { LinearOperator } from "../../src/operator/index.ts";
import type { Backend, BlockAlgebra } from "../../src/runtime/index.ts";
import { type SingularTriplets, type SvdOptions, svd } from "../../src/svd/index.ts";
import { jsAlgebra } from "../support/js-algebra.ts";
import { operatorOf } from "../support/spectra.ts";
import { type Drawn, drawFamily, type FamilyName, families, pick } from "./families.ts";
import { brokenFrom, firstBlock, vanishingOn, withWrongTranspose } from "./faults.ts";
import { permuted, product, transposed, withSpectrum } from "./matrices.ts";
import { chainOf, randomNetwork } from "./networks.ts";
import { bySvd, byWeyl, type Truth } from "./truth.ts";

/** `plain`: a matrix, products and algebra in JavaScript. `runtime`: both by the backend. The others are ONNX graphs. */
type Form = "plain" | "runtime" | "chain" | "network";

/** Larger matrices are left to the backend: plain loops over them are slow. A device is asked for all of them. */
const PLAIN_ENTRIES = 10_000;

/** One solve of a campaign: everything follows from `seed` and `index`. */
export interface Case {
  readonly index: number;
  readonly family: FamilyName;
  readonly form: Form;
  readonly truth: Truth;
  /** What is solved. */
  readonly operator: LinearOperator;
  /** The same without its fault. */
  readonly sound: LinearOperator;
  readonly options: SvdOptions;
  /** Where an operator returns something that is not finite: whether it has done so. */
  readonly broken?: () => boolean;
  release(): Promise<void>;
}

/** The longer side of case `index` of the campaign `seed`, which is not built for it. */
export function longSideOf(seed: number, index: number): number {
  const rng = createRng(seed, "campaign", index);
  const { m, n } = families[drawFamily(rng)].draw(rng);
  return Math.max(m, n);
}

/** Draws and builds case `index` of the campaign `seed`. */
export async function drawCase(seed: number, index: number, backend: Backend): Promise<Case> {
  const rng = createRng(seed, "campaign", index);
  const family = drawFamily(rng);
  const drawn: Drawn = families[family].draw(rng);
  const { m, n, fault } = drawn;
  const forms: Form[] = [m * n > PLAIN_ENTRIES || backend.device !== "cpu" ? "runtime" : "plain", "runtime"];
  if (fault?.kind !== "transpose" && fault?.kind !== "null-start") forms.push("chain");
  const form = drawn.content.kind === "network" ? "network" : pick(rng, forms);

  if (fault?.kind === "null-start") {
    const options: SvdOptions = { ...drawOptions(rng, drawn), method: "krylov" };
    const subject = await nullStart(rng, drawn, algebraOf(form, backend), options);
    return { index, family, form, ...subject, operator: subject.sound, options };
  }
  const subject = await dressed(rng, drawn, form, backend);
  const options = drawOptions(rng, { ...drawn, ...subject.truth });
  const whole = { index, family, form, ...subject, operator: subject.sound, options };
  if (fault?.kind === "not-finite") return { ...whole, ...brokenFrom(subject.sound, fault) };
  if (fault?.kind === "transpose") {
    const operator = withWrongTranspose(rng, subject.sound, subject.truth, fault.size);
    return { ...whole, operator, options: { ...options, maxProducts: 600 } };
  }
  return whole;
}

/** The solve of a case: its triplets, or the error that it ended in. */
export function solved({ operator, options }: Case): Promise<SingularTriplets | Error> {
  return svd(operator, options).catch((error: Error) => error);
}

function drawOptions(
  rng: Rng,
  { m, n, k }: { readonly m: number; readonly n: number; readonly k?: number },
): SvdOptions {
  const r = Math.min(m, n);
  const wanted = k ?? 1 + rng.integer(rng.uniform() < 0.7 ? Math.min(r, 20) : r);
  const blockRows = pick(rng, [1, 2, 3, 4, 8, 16, 32]);
  return {
    k: wanted,
    method: pick(rng, ["dense", "krylov", "krylov", "krylov", "krylov", "auto"] as const),
    tol: pick(rng, [1e-5, 1e-5, 1e-5, 1e-2, 1e-3, 1e-4, 1e-6, 1e-7, 1e-10]),
    seed: rng.integer(2 ** 31),
    blockRows,
    ...(rng.uniform() < 0.7 ? { maxBasis: wanted + 4 * Math.max(blockRows, 16) + rng.integer(24) } : {}),
    ...(rng.uniform() < 0.25 ? { maxProducts: 20 + rng.integer(400) } : {}),
  };
}

const algebraOf = (form: Form, backend: Backend): BlockAlgebra => (form === "plain" ? jsAlgebra : backend.algebra);

type Subject = Pick<Case, "truth" | "sound" | "release">;

/** An operator without faults, in the form asked for. */
async function dressed(rng: Rng, drawn: Drawn, form: Form, backend: Backend): Promise<Subject> {
  if (form === "network") return randomNetwork(backend, rng);
  return form === "chain" ? chain(rng, drawn, backend) : plain(rng, drawn, algebraOf(form, backend));
}

function plain(rng: Rng, { m, n, content }: Drawn, algebra: BlockAlgebra): Subject {
  let truth: Truth;
  if (content.kind === "spectrum") {
    const isPermuted = rng.uniform() < 0.2;
    const intended = isPermuted ? permuted(rng, m, n, content.sigma) : withSpectrum(rng, m, n, content.sigma);
    truth = byWeyl(rounded(intended.matrix), intended);
  } else {
    truth = bySvd(rounded(entriesOf(content)), m, n);
  }
  return { truth, sound: operatorOf(Float32Array.from(truth.matrix), m, n, algebra), release: async () => {} };
}

/** A matrix that vanishes on the first block that a solve with these options multiplies, whichever that is. */
async function nullStart(rng: Rng, { m, n, content }: Drawn, algebra: BlockAlgebra, options: SvdOptions) {
  const matrix = entriesOf(content);
  const first = await firstBlock(operatorOf(matrix, m, n, algebra), options);
  const data = vanishingOn(matrix, n, first);
  return plain(rng, { m, n, content: { kind: "matrix", matrix: data } }, algebra);
}

/** J = U·diag(σ)·Vᵀ as y = x·V·diag(σ)·Uᵀ, three products; a matrix without a factorization as one. */
async function chain(rng: Rng, { m, n, content }: Drawn, backend: Backend): Promise<Subject> {
  if (content.kind !== "spectrum") {
    const truth = bySvd(rounded(entriesOf(content)), m, n);
    return { ...(await chainOf(backend, [floatTensor([n, m], transposed(truth.matrix, n))])), truth };
  }
  const intended = withSpectrum(rng, m, n, content.sigma);
  const r = content.sigma.length;
  const diagonal = new Float64Array(r * r);
  content.sigma.forEach((value, i) => {
    diagonal[i * r + i] = value;
  });
  const [u, scale, v] = [rounded(intended.u), rounded(diagonal), rounded(intended.v)];
  const network = await chainOf(backend, [
    floatTensor([n, r], v),
    floatTensor([r, r], scale),
    floatTensor([r, m], transposed(u, r)),
  ]);
  return { ...network, truth: byWeyl(product(product(u, scale, r), transposed(v, r), r), intended) };
}

function entriesOf(content: Drawn["content"]): Float64Array {
  if (content.kind === "matrix") return content.matrix;
  throw new Error(`a ${content.kind} has no entries yet`);
}

/** The same numbers in float32, as float64. */
const rounded = (entries: Float64Array): Float64Array => Float64Array.from(Float32Array.from(entries));
