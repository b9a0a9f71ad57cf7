/**
 * Ends one run whose worker is dead; see guard.ts: `guard-program TAG GRACE-MS GROUPS "LEADER'S-PID START-TIME"` (N5).
 *
 * TERM, the grace, KILL, until nothing of the run's session, group, tag and control groups lives; then it ends.
 */

import { setTimeout as pause } from 'node:timers/promises';

import { removed } from './group-files.ts';
import { sendSignal, type Look } from './proc.ts';
import { closeGroup, findWhole } from './run-group.ts';
import { killUntilGone, type Leader } from './sweep.ts';

const LOOK_MS = 100;

const [tag = '', graceMs = '', groups = '', leaderText = ''] = process.argv.slice(2);
const folders = groups.split(':').filter((folder) => folder !== '');
const leader = readLeader(leaderText);
const isLinux = process.platform === 'linux';

/** Of numbers below two, and of none, a signal would go to processes that are nobody's here. */
function readLeader(text: string): Leader {
  const [pid = 0, startTime = 0] = text.split(' ').map(Number);
  if (!(pid > 1)) throw new Error(`there is no process ${text}`);
  return { pid, startTime };
}

function groupLives(): boolean {
  try {
    return process.kill(-leader.pid, 0);
  } catch {
    return false;
  }
}

async function main(): Promise<void> {
  const find = (look: Look) => findWhole(leader, tag, folders, look);
  // Elsewhere than on Linux nobody tells who is of it: then the group's number has to do.
  if (isLinux) for (const { pid } of find({ failed: false })) sendSignal(pid, 'SIGTERM');
  else sendSignal(-leader.pid, 'SIGTERM');
  const until = performance.now() + Number(graceMs);
  const lives = () => (isLinux ? find({ failed: false }).length > 0 : groupLives());
  while (lives() && performance.now() < until) await pause(LOOK_MS);
  if (!isLinux) sendSignal(-leader.pid, 'SIGKILL');
  closeGroup(folders);
  await killUntilGone(tag, find);
  // That of all the worker's trees has this process, too, and is swept by the next worker.
  for (const folder of folders) removed(folder);
}

// The shell that started it kills the group once more when this ends badly.
main().catch(() => {
  process.exitCode = 1;
});
