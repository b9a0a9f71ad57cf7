/**
 * Protected paths: the files that decide whether work is good, and how it is confined. A change to one of them waits for a
 * person, who is shown it as what it is. Pure.
 */

import { commandsOf, filesIn, foldersOf } from './command-files.ts';
import { INCLUDE_FILE } from './included.ts';
import type { ProjectSettings } from './project.ts';

const PROJECT_FILE = 'tasks.yaml';
/** What test runners read by themselves, wherever it lies. */
const RUNNERS =
  /(?:^|\/)(?:(?:jest|vitest|vite|playwright|karma|ava|cypress|wdio|codecept|c8)\.conf(?:ig)?\.[a-z]+|vitest\.workspace\.[a-z]+|jasmine\.(?:json|[cm]?js)|\.mocharc(?:\.[a-z]+)?|\.nycrc(?:\.json)?|\.c8rc(?:\.json)?|\.taprc|\.?pytest\.(?:ini|toml)|tox\.ini|tox\.toml|noxfile\.py|phpunit(?:\.dist)?\.xml(?:\.dist)?|\.rspec|\.config\/nextest\.toml)$/;

/** By what package managers and build tools are told how tests are run, or that they are not; and what set-up would have installed. */
const TOOLS =
  /(?:^|\/)(?:\.npmrc|\.yarnrc(?:\.yml)?|\.pnpmfile\.[cm]?js|pnpm-workspace\.yaml|bunfig\.toml|\.cargo(?:\/config(?:\.toml)?)?|\.mvn(?:\/[^/]+)?|(?:node_modules|\.venv)(?:\/[^]+)?)$/;

const ENDS_OF_TASKFILES = ['.yml', '.yaml', '.dist.yml', '.dist.yaml'];

/** What a program of the gate reads by itself, where it is run. */
const READ_BY: readonly (readonly [program: RegExp, files: readonly string[]])[] = [
  [/\bg?make\b/, ['Makefile', 'makefile', 'GNUmakefile']],
  [/\bjust\b/, ['justfile', 'Justfile', '.justfile']],
  [/\brake\b/, ['Rakefile', 'rakefile', 'Rakefile.rb', 'rakefile.rb']],
  [/\btask\b/, ['Taskfile', 'taskfile'].flatMap((name) => ENDS_OF_TASKFILES.map((end) => name + end))],
];

/** Changes to the files that decide whether work is good. */
export interface ProtectedChange {
  readonly paths: readonly string[];
  /** Names what they were changed to: what a person has approved need not be asked again. */
  readonly digest: string;
}

/** Those of the changed paths that are protected; of others a part alone is (protected-parts.ts). */
export function protectedAmong(settings: ProjectSettings, changed: readonly string[]): readonly string[] {
  const commands = commandsOf(settings);
  const named = new Set(commands.flatMap((run) => filesIn(run)));
  for (const [program, files] of READ_BY) {
    for (const run of commands)
      if (program.test(run)) for (const file of files) for (const at of foldersOf(run)) named.add(at + file);
  }
  const patterns = settings.protected.map(patternOf);
  return changed.filter(
    (path) =>
      path === PROJECT_FILE ||
      path === INCLUDE_FILE ||
      named.has(path) ||
      RUNNERS.test(path) ||
      TOOLS.test(path) ||
      patterns.some((pattern) => pattern.test(path)),
  );
}

/** A folder ends with a slash; * stands for any part of a name. */
function patternOf(path: string): RegExp {
  const text = path
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('[^/]*');
  return new RegExp(`^${text}${path.endsWith('/') ? '' : '(?:/|$)'}`);
}
