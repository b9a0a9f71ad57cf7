import { describe, expect, it } from '@jest/globals';
import { renderConflicts } from '../../src/cli/render/conflicts.ts';
import { PLAIN } from '../../src/cli/render/palette.ts';
import type { RadarReport } from '../../src/core/radar.ts';
import { parseBranchName, parseObjectId, parseProjectName } from '../../src/core/ids.ts';
import { taskId, valueOf } from '../core/rig.ts';

const NOW_MS = Date.UTC(2026, 0, 2);
const SCREEN = { palette: PLAIN, columns: null, nowMs: NOW_MS };
const commit = valueOf(parseObjectId('ab'.repeat(20)));
const one = { id: taskId(1), title: 'Sort', state: 'waiting' } as const;
const other = { id: taskId(2), title: 'Count', state: 'running' } as const;
const REPORT: RadarReport = {
  project: valueOf(parseProjectName('shop')),
  branch: valueOf(parseBranchName('main')),
  main: commit,
  at: new Date(NOW_MS - 60_000).toISOString(),
  looked: 7,
  withMain: [{ ...one, files: ['a.txt', 'b.txt'], landed: [{ commit, title: 'Trim', summary: '' }] }],
  overlaps: [
    { tasks: [one, other], files: ['a.txt'], conflict: true },
    { tasks: [one, other], files: ['c.txt'], conflict: false },
  ],
};

describe('conflicts as text', () => {
  it('are those with main and what landed there, then who overlaps with whom', () => {
    expect(renderConflicts(REPORT, SCREEN).map((line) => line.replace(/ {2,}/g, '  '))).toEqual([
      'shop main  7 looked at on abababababab, 1 min ago',
      `  ${one.id}  conflicts with main  Sort — a.txt, b.txt`,
      '  landed  abababababab Trim',
      `  ${one.id}  conflicts with ${other.id}  Sort / Count — a.txt`,
      `  ${one.id}  touches files of ${other.id}  Sort / Count — c.txt`,
    ]);
    expect(renderConflicts({ ...REPORT, withMain: [], overlaps: [] }, SCREEN)).toEqual([]);
  });
});
