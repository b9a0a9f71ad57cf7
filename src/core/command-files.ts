/** The files and folders that a project's commands name. Pure. */

import type { ProjectSettings } from './project.ts';

/** Set-up and the gate. */
export function commandsOf({ setup, gate }: ProjectSettings): readonly string[] {
  return [...(setup === null ? [] : [setup]), ...gate.commands.map(({ run }) => run)];
}

/** The words of a command that may be files of the repository, also from the folders that it goes to. */
export function filesIn(run: string): readonly string[] {
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
export function foldersOf(run: string): readonly string[] {
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
