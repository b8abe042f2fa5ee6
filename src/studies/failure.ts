import { messageOf, PushforwardError } from "../base/index.ts";

/** Why one unit or cell has no result, in one line: what is wrong, and at which node. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof PushforwardError) {
    const { node } = cause.where;
    return node === undefined || cause.what.includes(node)
      ? cause.what
      : `${cause.what} It happened at the node ${node}.`;
  }
  const isAllocation = cause instanceof RangeError && /alloc|array length/i.test(cause.message);
  if (isAllocation) return `There was not enough memory: ${messageOf(cause)}.`;
  return `This is a fault of Pushforward itself; please report it: ${messageOf(cause)}.`;
}

/** Whether a fault is not of one unit or cell but of all: an interrupt, or a store that cannot be used. */
export function endsAll(cause: unknown): boolean {
  const codes: readonly string[] = ["interrupted", "store-unwritable", "store-mismatch", "file-unreadable"];
  return cause instanceof PushforwardError && codes.includes(cause.code);
}

/** The error of a run or a study that was interrupted and keeps what is finished. */
export function interrupted(cause?: unknown): PushforwardError {
  return new PushforwardError("interrupted", {
    what: "The command was interrupted. Finished work is stored.",
    fix: "Run the same command again to continue.",
    cause,
  });
}
