/**
 * Files of which a part alone is protected: what package managers, build tools and test runners go by in a manifest, say. Pure.
 */

import { commandsOf } from './command-files.ts';
import type { ProjectSettings } from './project.ts';
import { isRecord } from './text.ts';

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
