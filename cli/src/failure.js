'use strict';

/** What the exit code of the command says. Documented in docs/command-line.md and in `--help`. */
const ExitCode = {
  OK: 0,
  /** The job or call failed, a check failed, the key or job is not there. */
  FAILED: 1,
  /** The command line is wrong. */
  USAGE: 2,
  /** The engine could not be started, or ended by itself. */
  ENGINE: 3,
  /** The folder cannot be used: it is not there, not what it should be, or an app has it. */
  FOLDER: 4,
  /** A defect of this command. */
  DEFECT: 70,
  /** Who read standard output has gone; what a shell shows for SIGPIPE. */
  OUTPUT_CLOSED: 141,
};

const SIGNAL_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/** Ends the command with one line on standard error and this exit code. */
class Failure extends Error {
  constructor(exitCode, message, options) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

const usage = (message) => new Failure(ExitCode.USAGE, message);

module.exports = { ExitCode, Failure, SIGNAL_CODES, usage };
