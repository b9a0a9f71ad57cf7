/**
 * What every sandbox sees of the system, and what a program needs beside it: found by looking, in a few file operations.
 *
 * Kept true: nothing that is found here is, or holds, a home, the root, /run or /var; those are for the caller to name.
 */

import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
  type Dirent,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path';

import { readRegularSync } from '../files/read.ts';
import type { Gathered } from './system-files.ts';

/** Programs, libraries and their data: every sandbox sees all of them. */
const SYSTEM = ['/usr', '/opt', '/nix/store', '/gnu/store', '/snap', '/var/lib/snapd/snap', '/run/current-system/sw', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']; // prettier-ignore

/** Of /etc what programs need to run: no keys, no passwords, no services' configuration. */
export const ETC = [
  'passwd', 'group', 'nsswitch.conf', 'hosts', 'host.conf', 'hostname', 'services', 'protocols', 'gai.conf', 'networks',
  'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'localtime', 'timezone', 'locale.conf', 'locale.alias', 'default/locale',
  'alternatives', 'os-release', 'lsb-release', 'debian_version', 'alpine-release', 'redhat-release', 'mime.types', 'magic',
  'ssl/certs', 'ssl/openssl.cnf', 'ssl/cert.pem', 'pki/tls/certs', 'pki/tls/cert.pem', 'pki/ca-trust', 'ca-certificates',
  'ca-certificates.conf', 'crypto-policies', 'fonts', 'terminfo', 'inputrc', 'bash.bashrc', 'profile', 'profile.d', 'skel',
  'java', 'java-17-openjdk', 'java-21-openjdk', 'maven', 'gradle', 'python3', 'perl', 'ruby', 'php', 'R', 'npmrc',
  'cmake', 'pkgconfig', 'mono', 'dotnet', 'emacs', 'vim', 'ImageMagick-6', 'ImageMagick-7', 'static', 'nix/nix.conf',
]; // prettier-ignore

let keptFolderNames: readonly string[] | null = null;

/** The system's folders that a sandbox has in their own places; the others are links into these. Looked for once. */
export function systemFolders(): readonly string[] {
  keptFolderNames ??= SYSTEM.filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true);
  return keptFolderNames;
}

const MAX_LINKS = 500;
const MAX_PATH_CHARS = 4_096;
const MAX_INTERPRETERS = 4;
const FIRST_LINE_BYTES = 512;

let kept: readonly string[] | null = null;

/** The system's programs as bubblewrap's arguments. @param but folders that are left out */
export function systemPrograms(but: readonly string[] = []): readonly string[] {
  return SYSTEM.filter((path) => !but.includes(path)).flatMap(asItIs);
}

/**
 * As bubblewrap's arguments. With a network of its own there is nobody to ask for names: a resolver would only make programs
 * wait.
 *
 * @param gathered what stands for /etc; null: it is put in file by file
 */
export function systemMounts(withResolver: boolean, gathered: Gathered | null): readonly string[] {
  kept ??= systemPrograms();
  // Nothing can be added to a folder that is read-only.
  if (gathered === null || withResolver) {
    const resolver = withResolver ? resolved('/etc/resolv.conf') : [];
    return [...kept, ...ETC.flatMap((name) => asItIs(join('/etc', name))), ...resolver];
  }
  const others = gathered.others.flatMap((name) => resolved(join('/etc', name)));
  return [...kept, '--ro-bind', gathered.folder, '/etc', ...others];
}

/** A symbolic link stays one; what is not there is left out. */
function asItIs(path: string): readonly string[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  if (!stats.isSymbolicLink()) return ['--ro-bind', path, path];
  if (!path.startsWith('/etc/')) return ['--symlink', readlinkSync(path), path];
  return resolved(path);
}

function resolved(path: string): readonly string[] {
  const real = realOf(path);
  return real === null ? [] : ['--ro-bind', real, path];
}

/**
 * The folders and files that a program needs beside the system's: those of the PATH, the program itself with what it
 * links to and what interprets it, and a script that it is told to run.
 *
 * @param hidden folders that are covered where the system's folders show them: what is needed of them is named
 */
export function programMounts(
  {
    argv,
    cwd,
    path = '',
  }: {
    readonly argv: readonly string[];
    readonly cwd: string;
    readonly path: string | undefined;
  },
  hidden: readonly string[] = [],
): readonly string[] {
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder));
  const found = new Set(folders.flatMap((folder) => folderMounts(folder, hidden)));
  const [program = '', ...args] = argv;
  const script = args.find((arg) => !arg.startsWith('-'));
  for (const file of [locate(program, cwd, folders), script !== undefined && isScript(script) ? script : null]) {
    if (file === null) continue;
    for (const each of withInterpreters(file, folders)) for (const mount of fileMounts(each, hidden)) found.add(mount);
  }
  // What lies in a folder that is shown is shown with it, unless it is covered there: to put it there again is not possible.
  const shows = (one: string, other: string): boolean =>
    other !== one && isWithin(one, other) && !hidden.some((each) => isWithin(one, each) && !isWithin(other, each));
  return [...found].filter((one) => ![...found].some((other) => shows(one, other))).toSorted();
}

/** What lies at the top of a Conda or Python environment, or Go, and of nothing in which people keep other things. */
const MARKS = ['conda-meta', 'pyvenv.cfg', 'pkg/tool'];
/** The same of a JDK: others have folders and files of that name, too. */
const JDK_FILE = 'release';
const JDK_WORD = 'JAVA_VERSION=';
const MAX_JDK_FILE_BYTES = 64 * 1024;

/** What lies beside a bin and belongs to its programs, wherever that is. Whatever else is there may be anything. */
const BESIDE_BIN = ['lib', 'lib32', 'lib64', 'libexec', 'share', 'include', 'boot'];

/** What is shown for a folder of the PATH: itself, all that it lies in where that is its programs' own, or their parts of it. */
function shownFor(folder: string): readonly string[] {
  const parent = dirname(folder);
  if (basename(folder) !== 'bin' || !isModest(parent)) return isModest(folder) ? [folder] : [];
  if (isToolchain(parent)) return [parent];
  if (isWithin(parent, homedir())) return [folder];
  const beside = BESIDE_BIN.map((name) => join(parent, name));
  return [folder, ...beside.filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true)];
}

function isToolchain(folder: string): boolean {
  if (MARKS.some((mark) => statSync(join(folder, mark), { throwIfNoEntry: false }))) return true;
  try {
    return readRegularSync(join(folder, JDK_FILE), MAX_JDK_FILE_BYTES)?.includes(JDK_WORD) === true;
  } catch {
    // One that is not for this account to read is no JDK's.
    return false;
  }
}

const keptFolders = new Map<string, readonly string[]>();

/** A folder of the PATH, and what its links lead to: npm, for one, is a link into another folder. Looked at once. */
function folderMounts(folder: string, hidden: readonly string[]): readonly string[] {
  const key = [folder, ...hidden].join(delimiter);
  const known = keptFolders.get(key);
  if (known !== undefined) return known;
  const mounts: string[] = [];
  if (!isSeen(folder, hidden) && isFolder(folder)) {
    mounts.push(...shownFor(folder));
    const links = entriesOf(folder).filter((entry) => entry.isSymbolicLink());
    for (const { name } of links.slice(0, MAX_LINKS)) mounts.push(...fileMounts(join(folder, name), hidden).slice(-1));
  }
  const made = [...new Set(mounts)];
  keptFolders.set(key, made);
  return made;
}

/** A file in its own place and where it really is; of a package of Node, the packages beside it too. */
function fileMounts(file: string, hidden: readonly string[]): readonly string[] {
  const real = realOf(file);
  if (real === null) return [];
  const [before, ...packages] = real.split('/node_modules/');
  const modules = packages.length === 0 ? null : `${before}/node_modules`;
  return [file, modules ?? real].filter((path) => !isSeen(path, hidden) && isModest(path));
}

/** A script's `#!` line names its interpreter, which may be a script itself. */
function withInterpreters(file: string, folders: readonly string[]): readonly string[] {
  const found = [file];
  let at: string | null = file;
  while (at !== null && found.length <= MAX_INTERPRETERS) {
    const line: readonly string[] = firstLine(at).replace(/^#!\s*/, '').split(/\s+/); // prettier-ignore
    const named: string = (line[0]?.endsWith('/env') === true ? line[1] : line[0]) ?? '';
    at = named === '' ? null : locate(named, '/', folders);
    if (at !== null) found.push(at);
  }
  return found;
}

/** Empty when the file is no script. */
function firstLine(file: string): string {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const buffer = Buffer.alloc(FIRST_LINE_BYTES);
      const text = buffer.toString('latin1', 0, readSync(descriptor, buffer, 0, buffer.length, 0));
      return text.startsWith('#!') ? (text.split('\n')[0] ?? '') : '';
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // It cannot be read, so it is no script that could be run.
    return '';
  }
}

/** Where the program of a command line is; null when no folder of the PATH has it. */
export function locate(program: string, cwd: string, folders: readonly string[]): string | null {
  if (program.includes('/')) return resolve(cwd, program);
  return folders.map((folder) => join(folder, program)).find((file) => isFile(file)) ?? null;
}

/** An argument that names a file in full, as what an interpreter is told to run; nothing of what homes hide. */
function isScript(arg: string): boolean {
  if (!isAbsolute(arg) || arg.length > MAX_PATH_CHARS || !isFile(arg)) return false;
  if (NEVER.some((folder) => folder !== '/tmp' && isWithin(arg, folder))) return false;
  return !isWithin(arg, homedir()) || !arg.slice(homedir().length).includes('/.');
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** What this account may not look at is not there for it. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // A folder of the PATH that cannot be listed has no programs to offer.
    return [];
  }
}

/** Null when it is not there. */
export function realOf(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch {
    return null;
  }
}

/** Whether it is a folder, or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** Seen by every sandbox already. */
function isSeen(path: string, hidden: readonly string[]): boolean {
  return SYSTEM.some((folder) => isWithin(path, folder)) && !hidden.some((folder) => isWithin(path, folder));
}

/** Never shown as a whole, whatever the PATH says. */
const NEVER = ['/run', '/proc', '/sys', '/dev', '/boot', '/etc', '/tmp', '/var/run', '/var/spool', '/var/tmp'];

/** Whether it may be shown: not the root, not a home nor what homes lie in, nor a folder of the system's state. */
function isModest(path: string): boolean {
  const home = realOf(homedir()) ?? homedir();
  if (isWithin(home, path) || isWithin(homedir(), path)) return false;
  if (path.split('/').length <= 2 || dirname(path) === '/home') return false;
  if ([home, homedir()].some((each) => path === join(each, '.local') || path === join(each, '.config'))) return false;
  return !NEVER.some((folder) => path === folder) && !isWithin(path, '/proc') && !isWithin(path, '/run');
}
