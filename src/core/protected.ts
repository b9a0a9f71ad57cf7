/**
 * Protected paths: the files that decide whether work is good, and how it is confined. A change to one of them waits for a
 * person, who is shown it as what it is. Pure.
 */

import { INCLUDE_FILE } from './included.ts';
import type { ProjectSettings } from './project.ts';

const PROJECT_FILE = 'tasks.yaml';
export const PACKAGE_FILE = 'package.json';

/** What test runners read by themselves, wherever it lies. */
const RUNNERS =
  /(?:^|\/)(?:(?:jest|vitest|playwright|karma|ava|cypress)\.conf(?:ig)?\.[a-z]+|\.mocharc(?:\.[a-z]+)?|\.nycrc(?:\.json)?|pytest\.ini|tox\.ini|phpunit\.xml(?:\.dist)?|\.rspec)$/;

/** What a program of the gate reads by itself, at the top of the repository. */
const READ_BY: readonly (readonly [program: RegExp, files: readonly string[]])[] = [
  [/\bg?make\b/, ['Makefile', 'makefile', 'GNUmakefile']],
  [/\bjust\b/, ['justfile', 'Justfile', '.justfile']],
  [/\brake\b/, ['Rakefile']],
  [/\btask\b/, ['Taskfile.yml', 'Taskfile.yaml']],
];

/** Changes to the files that decide whether work is good. */
export interface ProtectedChange {
  readonly paths: readonly string[];
  /** Names what they were changed to: what a person has approved need not be asked again. */
  readonly digest: string;
}

/** Those of the changed paths that are protected; package.json is told by {@link changesScripts}. */
export function protectedAmong(settings: ProjectSettings, changed: readonly string[]): readonly string[] {
  const commands = commandsOf(settings);
  const named = new Set(commands.flatMap((run) => filesIn(run)));
  for (const [program, files] of READ_BY) {
    if (commands.some((run) => program.test(run))) for (const file of files) named.add(file);
  }
  const patterns = settings.protected.map(patternOf);
  return changed.filter(
    (path) =>
      path === PROJECT_FILE ||
      path === INCLUDE_FILE ||
      named.has(path) ||
      RUNNERS.test(path) ||
      patterns.some((pattern) => pattern.test(path)),
  );
}

/** Whether the gate or set-up runs scripts of package.json. */
export function usesScripts(settings: ProjectSettings): boolean {
  return commandsOf(settings).some((run) => /\b(?:npm|npx|pnpm|yarn|bun)\b/.test(run));
}

/** Whether the scripts of package.json are not the same; one that cannot be read has none. */
export function changesScripts(before: string | null, after: string | null): boolean {
  return scriptsOf(before) !== scriptsOf(after);
}

function scriptsOf(text: string | null): string {
  if (text === null) return '[]';
  try {
    const value: unknown = JSON.parse(text);
    const scripts = typeof value === 'object' && value !== null && 'scripts' in value ? value.scripts : null;
    const sorted =
      typeof scripts === 'object' && scripts !== null
        ? Object.entries(scripts).toSorted(([one], [other]) => (one < other ? -1 : 1))
        : [];
    return JSON.stringify(sorted);
  } catch {
    // No package manager runs anything of it.
    return text;
  }
}

function commandsOf({ setup, gate }: ProjectSettings): readonly string[] {
  return [...(setup === null ? [] : [setup]), ...gate.commands.map(({ run }) => run)];
}

/** The words of a command that may be files of the repository. */
function filesIn(run: string): readonly string[] {
  return run
    .split(/[\s"'`;&|()<>=$]+/)
    .map((word) => word.replace(/^(?:\.\/)+/, ''))
    .filter((word) => word !== '' && !word.startsWith('-') && !word.startsWith('/'));
}

/** A folder ends with a slash; * stands for any part of a name. */
function patternOf(path: string): RegExp {
  const text = path
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('[^/]*');
  return new RegExp(`^${text}${path.endsWith('/') ? '' : '(?:/|$)'}`);
}
