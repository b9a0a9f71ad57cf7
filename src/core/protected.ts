/**
 * Protected paths: the files that decide whether work is good, and how it is confined. A change to one of them waits for a
 * person, who is shown it as what it is. Pure.
 */

import { INCLUDE_FILE } from './included.ts';
import type { ProjectSettings } from './project.ts';
import { isRecord } from './text.ts';

const PROJECT_FILE = 'tasks.yaml';
/** Files by which programs run commands of the project, and what of them says how. */
const MANIFESTS: readonly { name: RegExp; program: RegExp; fields: readonly string[] }[] = [
  {
    name: /^package\.json$/,
    program: /\b(?:npm|npx|pnpm|yarn|bun|deno|lerna|turbo|nx)\b/,
    fields: ['scripts', 'workspaces', 'jest', 'mocha', 'ava', 'tap', 'nyc', 'c8', 'jasmine', 'wireit'],
  },
  { name: /^composer\.json$/, program: /\bcomposer\b/, fields: ['scripts', 'config'] },
  {
    name: /^deno\.jsonc?$/,
    program: /\bdeno\b/,
    fields: ['tasks', 'test', 'include', 'exclude', 'workspace', 'permissions'],
  },
];
/** Files of which a part alone tells a test runner what to do. */
const WITH_SECTIONS = /(?:^|\/)(?:pyproject\.toml|setup\.cfg)$/;
/** Without blanks and quotes. What is spelled with escapes is one as well as not. */
const RUNNER_SECTION =
  /^\[+(?!\[)(?:tool\]|tool\.(?:hatch|pdm|rye)\]|(?:tool[.:])?(?:pytest|tox|nox|coverage|testenv|hatch\.envs|poe|taskipy|(?:pdm|rye)\.scripts)\b|[^\]]*\\)/;
/** Indented, or begun by a quote, it may be part of a list. */
const OTHER_SECTION = /^\[+[ \t]*[\w-]/;
/**
 * What of TOML may have line ends or # in it; a comment ends what else would seem to begin in it. What has no end is taken
 * whole: begun at again from each place in it, a file that is made for that would take minutes.
 */
const TOML_TEXT =
  /"""(?:[^"\\]|\\[^]|"(?!""))*(?:""")?|'''(?:[^']|'(?!''))*(?:''')?|"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?|#[^\n]*/g;

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

/** Those of the changed paths that are protected; of what {@link inPart} names a part alone is. */
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

/** Of the changed paths those of which a part alone is protected: to be compared by {@link changesPart}. */
export function inPart(settings: ProjectSettings, changed: readonly string[]): readonly string[] {
  const commands = commandsOf(settings);
  return changed.filter((path) => {
    const manifest = manifestOf(path);
    if (manifest === null) return WITH_SECTIONS.test(path);
    return commands.some((run) => manifest.program.test(run));
  });
}

/** Whether the protected part of a file is not the same; null: it is not there. A further package may have any scripts. */
export function changesPart(path: string, before: string | null, after: string | null): boolean {
  const manifest = manifestOf(path);
  if (manifest === null) return sectionsOf(path, before) !== sectionsOf(path, after);
  const [one, other] = [before, after].map((text) => fieldsOf(manifest.fields, text));
  return (before !== null || !path.includes('/')) && one !== other;
}

function manifestOf(path: string): (typeof MANIFESTS)[number] | null {
  return MANIFESTS.find(({ name }) => name.test(nameOf(path))) ?? null;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** What lies above the first header may name any section (`tool.pytest.ini_options.addopts = …`). */
function sectionsOf(path: string, text: string | null): string {
  let isIn = true;
  // A text of several lines is one line: no header is in it, and nobody can put a section into one unseen.
  const given = text ?? '';
  const whole = path.endsWith('.toml') ? given.replace(TOML_TEXT, (part) => part.replace(/\n/g, '\0')) : given;
  const lines = whole.split(/\r?\n/).filter((line) => {
    if (RUNNER_SECTION.test(line.replace(/[\s"']/g, ''))) isIn = true;
    else if (OTHER_SECTION.test(line)) isIn = false;
    return isIn && /^\s*[^\s#]/.test(line);
  });
  return lines.join('\n');
}

function fieldsOf(names: readonly string[], text: string | null): string {
  if (text === null) return '{}';
  try {
    const value: unknown = JSON.parse(text.replace(BESIDE_JSON, kept).replace(BEFORE_END, kept));
    const fields = isRecord(value) ? names.flatMap((name) => (name in value ? [[name, value[name]]] : [])) : [];
    return JSON.stringify(Object.fromEntries(fields), sorted);
  } catch {
    // Nothing is known of its parts, and few programs run anything of it.
    return text;
  }
}

/** What Deno allows beside JSON: comments, and commas before the end of a list; each with the texts that may seem to have some. */
const BESIDE_JSON = /"(?:[^"\\\n]|\\.)*"?|\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)/g;
const BEFORE_END = /"(?:[^"\\\n]|\\.)*"?|,(?=\s*[}\]])/g;

function kept(part: string): string {
  return part.startsWith('"') ? part : ' ';
}

/** For JSON: the order of an object's fields says nothing. */
function sorted(_key: string, value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function commandsOf({ setup, gate }: ProjectSettings): readonly string[] {
  return [...(setup === null ? [] : [setup]), ...gate.commands.map(({ run }) => run)];
}

/** The words of a command that may be files of the repository, also from the folders that it goes to. */
function filesIn(run: string): readonly string[] {
  const folders = foldersOf(run);
  return wordsOf(run)
    .flatMap((word) => (word.startsWith('-') ? valuesIn(word) : word))
    .filter((word) => !word.startsWith('/'))
    .flatMap((word) => folders.flatMap((folder) => plain(folder + word) ?? []));
}

/** Letters of options that name a file, such as those of make, just, pytest, jest, node and task. */
const NAMES_FILE = /[cfrt]/g;

/** What options in one word with their values name: `make -sfx.mk`, be it by any of their letters. */
function valuesIn(word: string): readonly string[] {
  const [, letters = ''] = /^-([A-Za-z]+)/.exec(word) ?? [];
  return [...letters.matchAll(NAMES_FILE)].map(({ index }) => word.slice(index + 2));
}

function wordsOf(run: string): readonly string[] {
  return run.split(/[\s"'`;&|()<>=$]+/).filter((word) => word !== '');
}

/** Where a command may be at: the top of the repository, and where it says that it goes, from each place before. */
function foldersOf(run: string): readonly string[] {
  const folders = new Set(['']);
  for (const to of goneTo(run)) {
    // From the top, and from what was found last.
    for (const from of ['', ...[...folders].slice(-MAX_FROM)]) {
      const folder = plain(from + to);
      if (folder !== null && folder !== '') folders.add(`${folder}/`);
    }
  }
  return [...folders];
}

const MAX_FROM = 32;
const GOES = /^(?:cd|pushd|-[a-zBLRS]*C|--cwd|--prefix|--dir|--directory|--manifest-path)$/;
/** `make -Cweb`, `make -sCweb` */
const GLUED = /^-[a-zBLRS]*C(.+)$/;

function goneTo(run: string): readonly string[] {
  const words = wordsOf(run);
  return words
    .flatMap((word, index) => GLUED.exec(word)?.[1] ?? (GOES.test(words[index - 1] ?? '') ? word : []))
    .filter((word) => !word.startsWith('/'));
}

/** Without `.`, `..` and doubled slashes; null: it leaves the repository. */
function plain(path: string): string | null {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..' && parts.pop() === undefined) return null;
    if (part !== '' && part !== '.' && part !== '..') parts.push(part);
  }
  return parts.join('/');
}

/** A folder ends with a slash; * stands for any part of a name. */
function patternOf(path: string): RegExp {
  const text = path
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('[^/]*');
  return new RegExp(`^${text}${path.endsWith('/') ? '' : '(?:/|$)'}`);
}
