import { messageOf, PushforwardError } from "../base/index.ts";
import type { Node } from "./model.ts";

/**
 * What is written in place of a node of the file. Who writes it relies on what the format demands of the node's inputs and attributes; a node
 * that does not have them, so that an array has no such entry or cannot have such a length, is refused.
 *
 * @throws PushforwardError what `write` throws, `model-invalid` for a node whose parts do not fit together
 */
export function writtenFor<T>(node: Node, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    if (!(cause instanceof TypeError || cause instanceof RangeError)) throw cause;
    throw new PushforwardError("model-invalid", {
      what: `The inputs, their shapes and the attributes of this node do not fit together (${messageOf(cause)}).`,
      where: { node: node.name || node.outputs[0], op: node.op },
      fix: "Check that the model runs in ONNX Runtime. If it does, this is an error of Pushforward: please report it.",
      cause,
    });
  }
}
