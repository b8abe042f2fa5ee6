/** Every kind of failure that a user can meet. `exitCodes` gives the exit code of each. */
export type ErrorCode =
  | "usage"
  | "file-unreadable"
  | "model-invalid"
  | "external-data"
  | "op-unsupported"
  | "tap-unknown"
  | "shape-mismatch"
  | "not-finite"
  | "image-undecodable"
  | "store-mismatch"
  | "store-unwritable"
  | "backend-failed"
  | "queue-unreachable"
  | "memory-short"
  | "interrupted";

/** Exit codes of the command line: 2 bad usage or input, 3 unsupported model, 130 interrupted (1 is a missed tolerance). */
export const exitCodes: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  "file-unreadable": 2,
  "model-invalid": 2,
  "external-data": 2,
  "op-unsupported": 3,
  "tap-unknown": 2,
  "shape-mismatch": 2,
  "not-finite": 2,
  "image-undecodable": 2,
  "store-mismatch": 2,
  "store-unwritable": 2,
  "backend-failed": 3,
  "queue-unreachable": 2,
  "memory-short": 2,
  interrupted: 130,
};

/** The place of an error. Its parts are printed in this order. */
export interface Place {
  readonly file?: string;
  readonly input?: string;
  readonly node?: string;
  readonly op?: string;
  readonly tap?: string;
  readonly option?: string;
}

export interface ErrorParts {
  readonly what: string;
  readonly where?: Place;
  readonly fix?: string;
  readonly cause?: unknown;
}

/** The only error class of Pushforward. It says what is wrong, where, and what to do about it. */
export class PushforwardError extends Error {
  readonly code: ErrorCode;
  readonly what: string;
  readonly where: Place;
  readonly fix: string | undefined;

  constructor(code: ErrorCode, { what, where = {}, fix, cause }: ErrorParts) {
    super(what, cause === undefined ? undefined : { cause });
    this.name = "PushforwardError";
    this.code = code;
    this.what = what;
    this.where = where;
    this.fix = fix;
  }

  /** The same error with more parts of the place. Parts that the error already has stay. */
  at(where: Place): PushforwardError {
    return new PushforwardError(this.code, {
      what: this.what,
      where: { ...where, ...this.where },
      fix: this.fix,
      cause: this.cause ?? this,
    });
  }

  /** The text that a user sees: `error:`, `at`, `do`, one line each. */
  format(): string {
    const lines = [`error: ${printable(this.what)}`];
    const places = (["file", "input", "node", "op", "tap", "option"] as const)
      .filter((key) => this.where[key] !== undefined)
      .map((key) => `${key} ${printable(this.where[key]!)}`);
    if (places.length > 0) lines.push(`  at  ${places.join(", ")}`);
    if (this.fix !== undefined) lines.push(`  do  ${printable(this.fix)}`);
    return lines.join("\n");
  }
}

/** A text in which names of files and tensors may stand, for one line of a terminal: control characters become �. */
export const printable = (text: string): string => text.replace(/\p{Control}/gu, "�");

/** The message of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
