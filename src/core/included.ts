/**
 * Files that were copied into a workspace from a checkout (.worktreeinclude): what of them must not leave it (N10). People
 * keep keys in such files, beside much that is none. Pure.
 */

import type { Found, Secret } from './secrets.ts';

/** The file of patterns, at the top of a checkout. */
export const INCLUDE_FILE = '.worktreeinclude';

export interface IncludedText {
  /** From the top of the worktree. */
  readonly path: string;
  readonly text: string;
}

/** A file whose text is shorter is not told from other text. */
const MIN_FILE_CHARS = 16;
/** A value that is shorter, or has no digit and letter, is hardly a key. */
const MIN_VALUE_CHARS = 12;
const ASSIGNED = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*[=:]\s*(["']?)(\S+)\2\s*,?\s*$/;

function isKey(value: string): boolean {
  // An address is one where it has a password.
  if (value.includes('://')) return /:\/\/[^/@]*:[^/@]+@/.test(value);
  return value.length >= MIN_VALUE_CHARS && /\d/.test(value) && /[A-Za-z]/.test(value);
}

/** What in these files looks like keys and passwords: to be taken out of what is printed. */
export function secretsIn(files: readonly IncludedText[]): readonly Secret[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line) => {
      const [, name = '', , value = ''] = ASSIGNED.exec(line) ?? [];
      return isKey(value) ? [{ name: `${name} of ${path}`, value }] : [];
    }),
  );
}

/** Looks through contents for what is in these files: all that looks like a key, and those that are there as a whole. */
export function scanFor(files: readonly IncludedText[]): (content: Buffer) => readonly Found[] {
  const wholes = files
    .map(({ path, text }) => ({ name: `the copied file ${path}`, text: latin(text.trim()) }))
    .filter(({ text }) => text.length >= MIN_FILE_CHARS);
  const keys = secretsIn(files).map(({ name, value }) => ({ name, text: latin(value) }));
  const needles = [...keys, ...wholes];
  return (content) => {
    if (needles.length === 0) return [];
    const looked = content.toString('latin1');
    return needles.filter(({ text }) => looked.includes(text)).map((found) => ({ kind: 'format', ...found }));
  };
}

function latin(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
