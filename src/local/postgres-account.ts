/**
 * As whom the database server runs, and where its data may lie. Postgres refuses to run as root: then it runs as another
 * account, which must be able to enter every folder above its data and its programs. Where it can enter all but the home
 * itself, the home lets that account's group through (mode 0710); where something above is closed, the data lies in a
 * folder outside, and the home holds a note of where.
 */

import { createHash, randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createOnce, homePaths, type HomePaths, readIfThere } from './home.ts';
import { messageOf } from '../core/thrown.ts';
import { namesIn } from '../files/read.ts';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Accounts in the order of preference, then any that is not root's. */
const PREFERRED_NAMES = ['postgres', 'nobody'];

/** Null: the server runs as whoever runs this. @throws for root on a machine that has no other account */
export async function serverAccount(passwdFile = '/etc/passwd'): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const accounts = (await readFile(passwdFile, 'utf8')).split('\n').flatMap(parseAccount);
  const found = PREFERRED_NAMES.map((name) => accounts.find((account) => account.name === name)).find(Boolean);
  const account = found ?? accounts[0];
  if (account === undefined) throw new Error(`${passwdFile} has no account but root's, as which Postgres does not run`);
  return account;
}

function parseAccount(line: string): readonly Account[] {
  const [name, , uid, gid] = line.split(':');
  const account = { name: name ?? '', uid: Number(uid), gid: Number(gid) };
  return account.name !== '' && account.uid > 0 && Number.isInteger(account.gid) ? [account] : [];
}

/** Whether an account may enter a folder and all above it. */
export async function mayEnter(account: Account, folder: string): Promise<boolean> {
  for (let path = folder; ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (dirname(path) === path) return true;
  }
}

/** Beside the data that lies outside of a home: which home. */
const HOME_NOTE = 'state-home';
/** Folders outside of any home, for what another account must be able to enter. */
const OUTSIDE = ['/var/lib/tributary', join(tmpdir(), 'tributary-shared')];

/** The first folder outside that root may make and the account may enter. @throws when there is none */
export async function outsideFolder(account: Account, candidates: readonly string[] = OUTSIDE): Promise<string> {
  const reasons: string[] = [];
  for (const folder of candidates) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o755 });
      const { uid, mode } = await lstat(folder);
      // In a folder for everybody somebody else may have made it first, and would own what lies in it.
      if (uid !== 0 || (mode & 0o022) !== 0 || (mode & 0o170000) !== 0o040000)
        reasons.push(`${folder} is not root's own`);
      else if (await mayEnter(account, folder)) return folder;
      else reasons.push(`${account.name} may not enter ${folder}`);
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  throw new Error(`no folder for the database's files: ${reasons.join('; ')}`);
}

/** The folder, made and owned, that holds `data`. As root it may lie outside of the home. */
export async function dataFolder(paths: HomePaths, account: Account | null): Promise<string> {
  if (account === null) {
    await mkdir(paths.postgresFolder, { recursive: true, mode: 0o700 });
    return paths.postgresFolder;
  }
  const noted = await notedFolder(paths);
  // Who cleans up folders of temporary files may have removed what is above it, too: made with it, it would be closed to the account.
  if (noted !== null) await outsideFolder(account, [dirname(noted)]);
  const folder = noted ?? (await chooseFolder(paths, account));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  await chown(folder, account.uid, account.gid);
  if (folder !== paths.postgresFolder) await createOnce(join(folder, HOME_NOTE), `${paths.home}\n`);
  return folder;
}

/** A note without a word is of a version that wrote it in place, on a disk that was full: nothing lies anywhere by it. */
async function notedFolder({ postgresElsewhere }: HomePaths): Promise<string | null> {
  const noted = (await readIfThere(postgresElsewhere))?.trim() ?? null;
  if (noted !== '') return noted;
  await rm(postgresElsewhere, { force: true });
  return null;
}

async function chooseFolder(paths: HomePaths, account: Account): Promise<string> {
  if (await mayEnter(account, paths.home)) return paths.postgresFolder;
  const isClosed = ((await stat(paths.home)).mode & 0o7777) === 0o700;
  if (isClosed && (await mayEnter(account, dirname(paths.home)))) {
    await chown(paths.home, 0, account.gid);
    await chmod(paths.home, 0o710);
    return paths.postgresFolder;
  }
  // Random as well: a home that was deleted and made again must not find the old one's data.
  const folder = join(await outsideFolder(account), `${nameOutside(paths)}${randomBytes(3).toString('hex')}`);
  return (await createOnce(paths.postgresElsewhere, `${folder}\n`)).trim();
}

/** How the names of a home's folders outside begin. */
function nameOutside({ home }: HomePaths): string {
  const hash = createHash('sha256').update(home).digest('hex').slice(0, 16);
  return `${basename(home)}-${hash}-`.replace(/[^A-Za-z0-9._-]/g, '_');
}

export interface LeftOutside {
  readonly folder: string;
  /** The home that it was made for, which is not there or has another one now. */
  readonly home: string;
}

/**
 * The databases' files outside that no home has a note of any more: of homes that were deleted. Those of a version that
 * wrote no note beside them are known by their name to be of this home, or not at all.
 */
export async function leftOutside(paths: HomePaths, candidates = OUTSIDE): Promise<readonly LeftOutside[]> {
  // Who is not root has its database in its home.
  if (process.getuid?.() !== 0) return [];
  const left: LeftOutside[] = [];
  for (const outside of candidates) {
    for (const name of (await namesIn(outside)).toSorted()) {
      const folder = join(outside, name);
      const noted = (await readIfThere(join(folder, HOME_NOTE)).catch(() => null))?.trim();
      const home = noted ?? (name.startsWith(nameOutside(paths)) ? paths.home : null);
      if (home === null) continue;
      const has = await readIfThere(homePaths(home).postgresElsewhere).catch(() => folder);
      if (has?.trim() !== folder) left.push({ folder, home });
    }
  }
  return left;
}

/** Deletes the database's files that lie outside of a home, before the home itself is deleted. Its server must be down. */
export async function removeOutsideData(paths: HomePaths): Promise<void> {
  const noted = (await readIfThere(paths.postgresElsewhere))?.trim();
  if (noted === undefined || !OUTSIDE.includes(dirname(noted))) return;
  await rm(noted, { recursive: true, force: true });
  await rm(paths.postgresElsewhere, { force: true });
}
