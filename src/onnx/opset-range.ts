import { PushforwardError } from "../base/index.ts";
import type { OnnxModel } from "./model.ts";

/** The oldest operator set that can be read: the first with the present meaning of broadcasting. */
const OLDEST_READ = 7;

/** The newest that the runtime loads. */
export const NEWEST_RUN = 26;

/**
 * The newest whose changes are known. After `NEWEST_RUN` they add operators, attributes and element types, and change nothing
 * that was there: so a graph that the runtime takes as one of `NEWEST_RUN` means the same there.
 */
export const NEWEST_READ = 28;

const opsetOf = ({ opsets }: OnnxModel): number | undefined => opsets.get("");

/** @throws PushforwardError `op-unsupported` for an operator set that is too old or too new */
export function checkOpset(model: OnnxModel): void {
  const opset = opsetOf(model);
  if (opset === undefined || (opset >= OLDEST_READ && opset <= NEWEST_READ)) return;
  if (opset < OLDEST_READ) {
    throw new PushforwardError("op-unsupported", {
      what: `The model is written in opset ${opset}; opsets from ${OLDEST_READ} on are read.`,
      fix: "Convert it with onnx.version_converter.convert_version(model, 13), or export it again.",
    });
  }
  throw new PushforwardError("op-unsupported", {
    what: `The model is written in opset ${opset}; opsets up to ${NEWEST_READ} are read, and ONNX Runtime runs those up to ${NEWEST_RUN}.`,
    fix: `Export it in opset ${NEWEST_RUN} or an older one, or convert it with onnx.version_converter.convert_version(model, ${NEWEST_RUN}).`,
  });
}

/** The model in an operator set that the runtime loads. */
export function inRunnableOpset(model: OnnxModel): OnnxModel {
  const opset = opsetOf(model) ?? NEWEST_RUN;
  return opset <= NEWEST_RUN ? model : { ...model, opsets: new Map(model.opsets).set("", NEWEST_RUN) };
}

/** An error of the backend for a model in a newer operator set than the runtime's, which may be the reason: both are named. */
export function namingOpsets(error: PushforwardError, model: OnnxModel): PushforwardError {
  const opset = opsetOf(model) ?? NEWEST_RUN;
  if (error.code !== "backend-failed" || opset <= NEWEST_RUN) return error;
  return new PushforwardError(error.code, {
    what: `The model is written in opset ${opset}, and ONNX Runtime runs those up to ${NEWEST_RUN}: taken as one of opset ${NEWEST_RUN} it does not run. ${error.what}`,
    where: error.where,
    fix: `Export it in opset ${NEWEST_RUN} or an older one.`,
    cause: error,
  });
}
