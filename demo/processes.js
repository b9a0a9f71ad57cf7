/** The processes that belong to a folder: by their environment, working folder or command line. */

import { readdir, readFile, readlink } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * @param {string} folder a folder that nobody else uses, with links resolved
 * @returns {Promise<{ pid: number, command: string }[]>} living processes of it, without this one
 */
async function processesOf(folder) {
  return process.platform === 'linux' ? fromProc(folder) : fromPs(folder);
}

async function fromProc(folder) {
  const found = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const read = (file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
    const [environ, command, stat, cwd] = await Promise.all([
      read('environ'),
      read('cmdline'),
      read('stat'),
      readlink(`/proc/${pid}/cwd`).catch(() => ''),
    ]);
    const zombie = /\) Z /.test(stat);
    if (!zombie && [environ, command, cwd].some((text) => text.includes(folder))) {
      found.push({ pid, command: command.replaceAll('\0', ' ').trim() });
    }
  }
  return found;
}

function fromPs(folder) {
  return new Promise((resolve, reject) => {
    execFile('ps', ['-axwwo', 'pid=,command='], { maxBuffer: 16 * 1024 * 1024 }, (error, out) => {
      if (error !== null) return reject(error);
      const rows = out.split('\n').map((line) => /^\s*(\d+) (.*)$/.exec(line));
      const all = rows.filter((row) => row !== null).map((row) => ({ pid: Number(row[1]), command: row[2] }));
      resolve(all.filter(({ pid, command }) => pid !== process.pid && command.includes(folder)));
    });
  });
}

/** Waits until nothing of a folder runs any more. Returns what is left after `timeoutMs`. */
export async function awaitNoneOf(folder, timeoutMs) {
  const untilMs = Date.now() + timeoutMs;
  for (;;) {
    const left = await processesOf(folder);
    if (left.length === 0 || Date.now() >= untilMs) return left;
    await pause(100);
  }
}
