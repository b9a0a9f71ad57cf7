/** The placeholders of a configured command, and the same as environment variables. */

import { quote } from '../core/ids.ts';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import type { PhaseFiles } from './types.ts';

const VALUES: Readonly<Record<string, (files: PhaseFiles) => string>> = {
  prompt_file: (files) => files.promptFile,
  task_dir: (files) => files.taskDir,
  worktree: (files) => files.worktree,
  branch: (files) => files.branch,
  task_id: (files) => files.taskId,
  phase: (files) => files.phase,
  report_file: (files) => files.reportFile,
};

// A shell's ${name} is the shell's own.
const PLACEHOLDER = /(?<!\$)\{([A-Za-z_]+)\}/g;

/** Checks a command's placeholders when it is configured; gives the command back. */
export function checkPlaceholders(command: readonly string[]): Parsed<readonly string[]> {
  for (const part of command) {
    for (const [placeholder, name] of part.matchAll(PLACEHOLDER)) {
      if (name !== undefined && Object.hasOwn(VALUES, name)) continue;
      const known = Object.keys(VALUES).map((each) => `{${each}}`);
      return fail(`command: ${quote(placeholder)} is no placeholder; use one of ${known.join(' ')}`);
    }
  }
  return ok(command);
}

/** One argument with its placeholders filled in; what stands in a value is not looked at again. */
export function fillPlaceholders(part: string, files: PhaseFiles): string {
  return part.replace(PLACEHOLDER, (placeholder, name: string) =>
    Object.hasOwn(VALUES, name) ? (VALUES[name]?.(files) ?? placeholder) : placeholder,
  );
}

/** The TASKS_* variables of a phase. */
export function phaseEnvironment(files: PhaseFiles): Readonly<Record<string, string>> {
  const pairs = Object.entries(VALUES).map(([name, value]) => [`TASKS_${name.toUpperCase()}`, value(files)]);
  return { ...Object.fromEntries(pairs), TASKS_ATTEMPT: String(files.attempt) };
}
