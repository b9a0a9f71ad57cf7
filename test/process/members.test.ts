/** What processes do, as the kernel tells it. */

import { describe, expect, it } from '@jest/globals';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { workBetween, workOf } from '../../src/process/members.ts';
import { tempFolder } from '../support/temp.ts';

interface Told {
  /** By itself and by those that it has seen end. */
  readonly ticks: readonly [number, number, number, number];
  readonly waitedNs?: number;
}

async function tell(proc: string, pid: number, { ticks, waitedNs }: Told): Promise<void> {
  await mkdir(join(proc, String(pid)), { recursive: true });
  const before = Array.from({ length: 10 }, () => '0').join(' ');
  await writeFile(join(proc, `${pid}/stat`), `${pid} (odd) name) S ${before} ${ticks.join(' ')} 20 0 1 0 5678\n`);
  if (waitedNs !== undefined) await writeFile(join(proc, `${pid}/schedstat`), `123 ${waitedNs} 7\n`);
}

describe('what processes have done between two looks', () => {
  it('is what they had of the processors, with those that they have seen end, and what they waited for one', async () => {
    const proc = await tempFolder('proc');
    await tell(proc, 1, { ticks: [1, 1, 0, 0], waitedNs: 5_000_000 });
    const before = workOf({ proc, pids: [1] });
    await tell(proc, 1, { ticks: [2, 1, 3, 1], waitedNs: 45_000_000 });
    await tell(proc, 2, { ticks: [1, 0, 0, 0], waitedNs: 2_000_000 });
    expect(workBetween(before, workOf({ proc, pids: [1, 2] }))).toBe(60 + 42);
  });

  it('is not less for one that has waited long and ended', async () => {
    const proc = await tempFolder('proc');
    await tell(proc, 1, { ticks: [1, 0, 0, 0] });
    await tell(proc, 2, { ticks: [0, 0, 0, 0], waitedNs: 9_000_000_000 });
    const before = workOf({ proc, pids: [1, 2] });
    await rm(join(proc, '2'), { recursive: true });
    await tell(proc, 1, { ticks: [1, 0, 4, 0] });
    expect(workBetween(before, workOf({ proc, pids: [1, 2] }))).toBe(40);
  });
});
