/** What the kernel knows of processes, and what the machine is. Linux only: read from /proc. */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

/** Ticks of /proc/<pid>/stat are hundredths of a second on every Linux that Node runs on. */
const MS_A_TICK = 10;

/** @returns {{ own: number, children: number, parent: number } | null} CPU milliseconds: its own, and of the children that it has waited for */
export function cpuOf(pid) {
  const stat = readProc(pid, 'stat');
  if (stat === null) return null;
  // The command's name may hold spaces and parentheses: what follows the last one is regular.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map((ticks) => Number(ticks) * MS_A_TICK);
  return { own: utime + stime, children: cutime + cstime, parent: Number(fields[1]) };
}

/** CPU milliseconds of a process with all its descendants, those that have ended too. */
export function cpuOfTree(pid) {
  const top = cpuOf(pid);
  if (top === null) return 0;
  return descendantsOf(pid).reduce((sum, child) => {
    const cpu = cpuOf(child);
    return cpu === null ? sum : sum + cpu.own + cpu.children;
  }, top.own + top.children);
}

export function descendantsOf(pid) {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    const cpu = /^\d+$/.test(name) ? cpuOf(Number(name)) : null;
    if (cpu !== null) parents.set(Number(name), cpu.parent);
  }
  const found = [];
  const seek = (parent) => {
    for (const [child, its] of parents) {
      if (its !== parent) continue;
      found.push(child);
      seek(child);
    }
  };
  seek(pid);
  return found;
}

/** The most memory that a process ever held, in MiB; 0 when it is gone. */
export function peakMemoryMib(pid) {
  return field(readProc(pid, 'status'), 'VmHWM') / 1024;
}

/** The memory of a process and its descendants now, shared pages counted once, in MiB. */
export function treeMemoryMib(pid) {
  const all = [pid, ...descendantsOf(pid)];
  return all.reduce((sum, each) => sum + field(readProc(each, 'smaps_rollup'), 'Pss'), 0) / 1024;
}

export function machine() {
  const [cpu] = cpus();
  return {
    cpus: cpus().length,
    cpu: cpu?.model ?? 'unknown',
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    git: execFileSync('git', ['--version'], { encoding: 'utf8' }).trim().replace('git version ', ''),
  };
}

function readProc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It has ended.
    return null;
  }
}

function field(text, name) {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text ?? '')?.[1] ?? 0);
}
