import { PushforwardError } from "../base/index.ts";
import type { OnnxModel } from "./model.ts";

/** The oldest operator set that can be read. It is the first in which broadcasting has its present meaning. */
const OLDEST_READ = 7;

/** The newest operator set that the runtime loads. */
export const NEWEST_RUN = 26;

/**
 * The newest operator set whose changes are known here. The sets after `NEWEST_RUN` add operators, attributes and element types,
 * but change nothing that existed before. A graph that the runtime accepts as one of `NEWEST_RUN` therefore has the same meaning.
 */
export const NEWEST_READ = 28;

const opsetOf = ({ opsets }: OnnxModel): number | undefined => opsets.get("");

/** Checks the operator set of a model. @throws PushforwardError `op-unsupported` for one that is too old or too new */
export function checkOpset(model: OnnxModel): void {
  const opset = opsetOf(model);
  if (opset === undefined || (opset >= OLDEST_READ && opset <= NEWEST_READ)) return;
  if (opset < OLDEST_READ) {
    throw new PushforwardError("op-unsupported", {
      what: `The model is written in opset ${opset}, but the oldest opset that can be read is ${OLDEST_READ}.`,
      fix: "Convert it with onnx.version_converter.convert_version(model, 13), or export it again.",
    });
  }
  throw new PushforwardError("op-unsupported", {
    what: `The model is written in opset ${opset}, but the newest opset that can be read is ${NEWEST_READ}, and the newest that ONNX Runtime runs is ${NEWEST_RUN}.`,
    fix: `Export it in opset ${NEWEST_RUN} or an older one, or convert it with onnx.version_converter.convert_version(model, ${NEWEST_RUN}).`,
  });
}

/** The model, declared to be in an operator set that the runtime loads. */
export function inRunnableOpset(model: OnnxModel): OnnxModel {
  const opset = opsetOf(model) ?? NEWEST_RUN;
  return opset <= NEWEST_RUN ? model : { ...model, opsets: new Map(model.opsets).set("", NEWEST_RUN) };
}

/**
 * An error of the backend. If the model is in a newer operator set than the runtime's, which may be the cause, the
 * error names both.
 */
export function namingOpsets(error: PushforwardError, model: OnnxModel): PushforwardError {
  const opset = opsetOf(model) ?? NEWEST_RUN;
  if (error.code !== "backend-failed" || opset <= NEWEST_RUN) return error;
  return new PushforwardError(error.code, {
    what: `The model is written in opset ${opset}, but the newest opset that ONNX Runtime runs is ${NEWEST_RUN}, and the model does not run as one of opset ${NEWEST_RUN}. ${error.what}`,
    where: error.where,
    fix: `Export it in opset ${NEWEST_RUN} or an older one.`,
    cause: error,
  });
}
