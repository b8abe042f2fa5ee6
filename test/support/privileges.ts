import { execFileSync } from "node:child_process";

const isRoot = process.getuid?.() === 0;

function works(program: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const setpriv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] as const;

/** Starts a program as a user who owns nothing; ONNX Runtime has a word to say where it finds no home of its own. */
export const nobody = [...setpriv, "env", "ORT_DISABLE_TELEMETRY=1"];

/** Permissions do not bind root, so that what tests them runs as another user. */
export const hasNobody = isRoot && works(setpriv[0], ...setpriv.slice(1), process.execPath, "-v");

/** Whether a small disk can be mounted. */
export const canMount = isRoot && works("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt");
