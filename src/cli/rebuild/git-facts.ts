/** What has landed, by the first parents of an origin's branch and their trailers: read in a folder of its own. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa, ExecaError } from 'execa';
import { parseObjectId, parseTaskId, type ObjectId } from '../../core/ids.ts';
import { shownOrigin } from '../../core/origin-url.ts';
import { fail, ok, type Parsed } from '../../core/parsed.ts';
import type { Target } from '../../core/queue-types.ts';
import type { FoundLanding } from '../../core/rebuild.ts';
import { oneLine } from '../../core/text.ts';
import { messageOf, saidBy } from '../../core/thrown.ts';
import { makeTemporary } from '../../files/temporary.ts';

const GIT_MS = 10 * 60_000;
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;
const trailer = (key: string): string => `%(trailers:key=${key},valueonly,separator=%x2C)`;
const FIELDS = [
  '%H',
  '%T',
  '%P',
  '%an',
  '%cI',
  '%s',
  trailer('Task-Id'),
  trailer('Task-Attempt'),
  trailer('Gate-Hash'),
  trailer('Tributary-Project'),
];

/** The newest landing of each task; an error says why the origin cannot be read, in one line. */
export async function readLandings(
  target: Target,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Parsed<readonly FoundLanding[]>> {
  const { project, origin, branch } = target;
  const folder = makeTemporary('tasks-rebuild-');
  const repository = join(folder, 'origin.git');
  const git = (gitDir: string | undefined, ...args: string[]) =>
    execa('git', args, {
      cwd: folder,
      env: { ...env, GIT_DIR: gitDir, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
      extendEnv: false,
      timeout: GIT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
  try {
    // A clone takes over what the origin makes its ids by.
    const one = ['--quiet', '--bare', '--no-local', '--single-branch', '--no-tags', '--branch', branch];
    await git(undefined, 'clone', ...one, '--', origin, repository);
    const format = `--format=${FIELDS.join('%x00')}`;
    const { stdout } = await git(repository, 'log', '--first-parent', '-z', format, `refs/heads/${branch}`);
    return ok(landingsIn(stdout, project));
  } catch (error) {
    return fail(`${project}: ${branch} of ${shownOrigin(origin)} cannot be read: ${reasonOf(error)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Never by its command line, which has the origin in it as it is. */
function reasonOf(error: unknown): string {
  return saidBy(error) ?? (error instanceof ExecaError ? 'git ended without a word' : oneLine(messageOf(error), 300));
}

function landingsIn(log: string, project: string): readonly FoundLanding[] {
  const fields = log.split('\0');
  const found = new Map<string, FoundLanding>();
  for (let at = 0; at + FIELDS.length <= fields.length; at += FIELDS.length) {
    const landing = landingOf(fields.slice(at, at + FIELDS.length), project);
    if (landing !== null && !found.has(landing.taskId)) found.set(landing.taskId, landing);
  }
  return [...found.values()];
}

function landingOf(fields: readonly string[], project: string): FoundLanding | null {
  const [hash = '', tree = '', parents = '', author = '', at = '', title = ''] = fields;
  const [id = '', attempt = '', gateHash = '', named = ''] = fields.slice(6);
  const taskId = parseTaskId(id);
  if (taskId.kind === 'invalid' || !/^\d{1,9}$/.test(attempt) || (named !== '' && named !== project)) return null;
  const [commit, treeId, main] = [hash, tree, parents.split(' ')[0] ?? ''].map(idOf);
  if (!commit || !treeId || !main) return null;
  return {
    taskId: taskId.value,
    attempt: Number(attempt),
    commit,
    tree: treeId,
    main,
    gateHash,
    title,
    author,
    at: new Date(at).toISOString(),
  };
}

function idOf(text: string): ObjectId | null {
  const parsed = parseObjectId(text);
  return parsed.kind === 'ok' ? parsed.value : null;
}
