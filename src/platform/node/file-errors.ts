import { messageOf, PushforwardError } from "../../base/index.ts";

/** The meaning of an error code of the system, and what to do about it. */
type Reason = readonly [what: string, fix: string];

const room = "Make room and give the same command again: finished work is kept.";
const otherUser = "Change its permissions, or run as a user who has them.";
const elsewhere = "Change the permissions there, or choose another folder.";

/** Codes with the same meaning for reading and for writing. */
const either: Readonly<Record<string, Reason>> = {
  ELOOP: [
    "The links on this path lead round in a circle.",
    "Remove the link, or name the file that it should lead to.",
  ],
  ENAMETOOLONG: ["A name on this path is longer than the file system allows.", "Use a shorter name."],
  EMFILE: ["This process has too many files open.", "Raise the limit with ulimit -n."],
  ENFILE: ["The system has too many files open.", "Close other programs and try again."],
  EIO: ["The disk reports a fault.", "Check the disk, and copy what is on it elsewhere."],
  ESTALE: ["The network drive does not answer for this file any more.", "Mount the drive again and try again."],
  ENOTCONN: ["The network drive is not connected.", "Mount the drive again and try again."],
  ETIMEDOUT: ["The network drive does not answer.", "Check the connection and try again."],
  EBUSY: ["Another program holds this file.", "Close that program and try again."],
  ENODEV: ["The device of this file is not there.", "Check that the device is connected."],
  ENXIO: ["The device of this file is not there.", "Check that the device is connected."],
};

const reading: Readonly<Record<string, Reason>> = {
  ...either,
  ENOENT: ["There is no such file.", "Check the path."],
  ENOTDIR: ["There is no such file: a part of this path is a file, not a folder.", "Check the path."],
  EISDIR: ["This is a folder, not a file.", "Name a file in it."],
  EACCES: ["There is no permission to read this, or to enter a folder on the way to it.", otherUser],
  EPERM: ["There is no permission to read this.", otherUser],
  ERR_FS_FILE_TOO_LARGE: ["This file is larger than 2 GB, and cannot be read at once.", "Use a smaller file."],
};

const writing: Readonly<Record<string, Reason>> = {
  ...either,
  ENOSPC: ["The disk is full.", room],
  EDQUOT: ["The disk quota is used up.", room],
  EFBIG: ["The file would be larger than the file system or ulimit -f allows.", "Choose a folder on another disk."],
  EACCES: ["There is no permission to write here.", elsewhere],
  EPERM: ["There is no permission to write here.", elsewhere],
  EROFS: ["There is no permission to write here: the disk is read-only.", elsewhere],
  ENOENT: ["The folder for this file is not there.", "Check the path."],
  ENOTDIR: ["There is a file where a folder must be.", "Choose another folder."],
  EEXIST: ["There is a file where a folder must be.", "Choose another folder."],
  EISDIR: ["There is a folder where a file must be.", "Move the folder away, or choose another folder."],
};

/** The system's code of an error, such as `ENOENT`; `undefined` if it has none. */
export function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : undefined;
}

/** The error `file-unreadable` for a system error on reading a file or folder. */
export function unreadable(file: string, cause: unknown): PushforwardError {
  const unknown: Reason = [`This cannot be read: ${messageOf(cause)}.`, "Check the file and its disk."];
  const [what, fix] = reading[codeOf(cause) ?? ""] ?? unknown;
  return new PushforwardError("file-unreadable", { what, where: { file }, fix, cause });
}

/** The error `store-unwritable` for a system error on writing a file. */
export function unwritable(file: string, cause: unknown): PushforwardError {
  const [what, fix] = writing[codeOf(cause) ?? ""] ?? [`This cannot be written: ${messageOf(cause)}.`, elsewhere];
  return new PushforwardError("store-unwritable", { what, where: { file }, fix, cause });
}
