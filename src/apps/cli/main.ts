#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { exitCodes, messageOf, PushforwardError } from "../../base/index.ts";
import { unwritable } from "../../platform/node/file-errors.ts";
import { version } from "../node/versions.ts";
import { checkCommand } from "./check.ts";
import { controlCommand } from "./control.ts";
import { devicesCommand } from "./devices.ts";
import { exportCommand } from "./export.ts";
import { importCommand } from "./import.ts";
import { inspectCommand } from "./inspect.ts";
import { lyapunovCommand } from "./lyapunov.ts";
import { paperCommand } from "./paper.ts";
import { reportCommand } from "./report.ts";
import { searchCommand } from "./search.ts";
import { spectrumCommand } from "./spectrum.ts";
import { statusCommand } from "./status.ts";
import { studyCommand } from "./study.ts";
import { theoryCommand } from "./theory.ts";
import { trainCommand } from "./train.ts";
import { verifyCommand } from "./verify.ts";
import { viewCommand } from "./view.ts";
import { workerCommand } from "./worker.ts";

/** The exit code that a shell shows for a program ended by the signal SIGPIPE. */
const READER_GONE = 141;

const program = new Command("pushforward")
  .description(
    "Singular values and vectors of the Jacobians of trained networks (ONNX), each with its measured residual.",
  )
  .version(version)
  .exitOverride()
  .configureOutput({ outputError: () => undefined }) // `usageError` tells it
  .addHelpText(
    "after",
    "\nExit codes: 0 done, 1 a result did not reach its tolerance, 2 bad usage or input, 3 unsupported model, 130 interrupted.",
  );
const commands = [
  inspectCommand(),
  checkCommand(version),
  importCommand(),
  spectrumCommand(version),
  workerCommand(),
  studyCommand(version),
  paperCommand(version),
  controlCommand(),
  exportCommand(version),
  lyapunovCommand(),
  trainCommand(),
  searchCommand(),
  reportCommand(),
  statusCommand(),
  verifyCommand(),
  viewCommand(),
  theoryCommand(),
  devicesCommand(),
];
for (const command of commands) {
  program.addCommand(command.copyInheritedSettings(program));
  for (const inner of command.commands) inner.copyInheritedSettings(program);
}

// If the program that reads the output has ended (`| head`), the command ends silently, like others. Finished work is stored.
process.stdout.on("error", (cause: NodeJS.ErrnoException) => {
  process.exit(cause.code === "EPIPE" ? READER_GONE : exitCodeFor(unwritable("standard output", cause)));
});
// If standard error cannot be written (the disk is full, the terminal is closed), the work goes on.
process.stderr.on("error", (cause: NodeJS.ErrnoException) => {
  if (cause.code === "EPIPE") process.exit(READER_GONE);
});

try {
  await program.parseAsync();
} catch (thrown) {
  process.exitCode = exitCodeFor(thrown);
}

function exitCodeFor(thrown: unknown): number {
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return 0;
    return thrown.code === "commander.help" ? exitCodes.usage : exitCodeFor(usageError(thrown));
  }
  if (thrown instanceof PushforwardError) {
    process.stderr.write(`${thrown.format()}\n`);
    return exitCodes[thrown.code];
  }
  process.stderr.write(
    `error: ${messageOf(thrown)}\n  do  This is an error in Pushforward itself. Please report it.\n`,
  );
  if (process.env.PUSHFORWARD_DEBUG && thrown instanceof Error) process.stderr.write(`${thrown.stack}\n`);
  return 70;
}

/** An error of commander, in the form of all other errors. */
function usageError({ message }: CommanderError): PushforwardError {
  const [first = "", hint = ""] = message.replace(/^error: /, "").split("\n");
  const suggestion = hint === "" ? "" : `${hint.replace(/^\(|\)$/g, "")} `;
  return new PushforwardError("usage", {
    what: `${first.charAt(0).toUpperCase()}${first.slice(1).replace(/\.$/, "")}.`,
    fix: `${suggestion}Run with --help for commands and options.`,
  });
}
