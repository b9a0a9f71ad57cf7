/**
 * What git makes of a file's content before it stores it, by attributes of the worktree: line endings, `$Id$`, another
 * encoding. Stored as it is, a file would be converted a second time wherever it is checked out. Filters are left out: no
 * configuration of the engine's has one (N4).
 *
 * `text=auto` is left as it is: what git makes of that depends on what was stored before.
 */

import { addingObjects, type DeskPlace } from './desk.ts';
import type { Git } from './git.ts';
import { objectId } from './merge.ts';
import { writeBlob, type ObjectStore } from './objects.ts';
import { GitError } from './command.ts';
import type { ObjectId } from '../core/ids.ts';

interface Conversion {
  readonly lines: boolean;
  readonly ident: boolean;
  readonly encoding: boolean;
}

/** By their paths as bytes in Latin-1; of a path that is not named git makes nothing. */
export type Conversions = ReadonlyMap<string, Conversion>;

const ATTRIBUTES = ['text', 'eol', 'ident', 'working-tree-encoding'];
/** Git says so of an attribute that nobody has given a value. */
const NO_VALUE = ['unspecified', 'unset'];

export async function conversionsOf(git: Git, place: DeskPlace, paths: readonly string[]): Promise<Conversions> {
  const conversions = new Map<string, Conversion>();
  if (paths.length === 0) return conversions;
  const input = Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');
  const { stdout } = await git.local(['check-attr', '-z', '--stdin', ...ATTRIBUTES], { ...place, input });
  const fields = stdout.toString('latin1').split('\0');
  const size = 3 * ATTRIBUTES.length;
  for (let at = 0; at + size <= fields.length; at += size) {
    // Of each attribute the path, its name and its value.
    const [text = '', eol = '', ident = '', encoding = ''] = ATTRIBUTES.map((_, nth) => fields[at + 3 * nth + 2]);
    const conversion = {
      lines: text === 'set' || (text === 'unspecified' && !NO_VALUE.includes(eol)),
      ident: ident === 'set',
      encoding: !NO_VALUE.includes(encoding) && encoding !== 'set',
    };
    if (Object.values(conversion).includes(true)) conversions.set(fields[at] ?? '', conversion);
  }
  return conversions;
}

export interface Storing {
  readonly git: Git;
  readonly store: ObjectStore;
  readonly at: { readonly place: DeskPlace; readonly trash: string };
  readonly conversions: Conversions;
}

/** Writes a file's content as git would; null when git cannot take it as its attributes say. @param path bytes in Latin-1 */
export async function storeContent(
  { git, store, at, conversions }: Storing,
  path: string,
  content: Buffer,
): Promise<ObjectId | null> {
  const conversion = conversions.get(path);
  if (conversion === undefined) return writeBlob(store, content);
  if (conversion.encoding) return encoded(git, store, at, path, content);
  let text = content.toString('latin1');
  if (conversion.lines) text = text.replaceAll('\r\n', '\n');
  if (conversion.ident) text = text.replaceAll(/\$Id:[^$\n]*\$/g, '$$Id$$');
  return writeBlob(store, Buffer.from(text, 'latin1'));
}

async function encoded(
  git: Git,
  store: ObjectStore,
  at: Storing['at'],
  path: string,
  content: Buffer,
): Promise<ObjectId | null> {
  const name = Buffer.from(path, 'latin1').toString('utf8');
  // An argument cannot have such a name.
  if (name.includes('\uFFFD')) return null;
  try {
    return await addingObjects(store, at, async (place) => {
      const { stdout } = await git.local(['hash-object', '-w', '--stdin', `--path=${name}`], {
        ...place,
        input: content,
      });
      return objectId(stdout.toString('latin1').trim());
    });
  } catch (error) {
    if (error instanceof GitError && error.reason === 'exit') return null;
    throw error;
  }
}
