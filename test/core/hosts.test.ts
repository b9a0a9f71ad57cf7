import { describe, expect, it } from '@jest/globals';
import { renderHosts } from '../../src/cli/render/hosts.ts';
import { PLAIN } from '../../src/cli/render/palette.ts';
import {
  findHost,
  hibernatedOn,
  hostsOf,
  isShort,
  SHORT_BELOW_BYTES,
  LATE_AFTER_MS,
  SILENT_AFTER_MS,
  whoHas,
  whyNoHost,
  type WorkerSeen,
} from '../../src/core/hosts.ts';
import { parseProjectName, parseTaskId } from '../../src/core/ids.ts';
import { messageOf, NOW_MS, valueOf } from './rig.ts';

const SEEN: WorkerSeen = {
  host: 'ada-1',
  worker: '10',
  version: '0.3.0',
  labels: ['linux'],
  agents: { used: 1, total: 4 },
  gates: { used: 0, total: 2 },
  load: 1.25,
  cores: 8,
  freeBytes: 20 * 1024 ** 3,
  seenMsAgo: 3_000,
  stopped: false,
};
const DRAIN = { host: 'ada-1', by: 'Grace', since: new Date(NOW_MS).toISOString() };
const LATE = { ...SEEN, seenMsAgo: 20_000 };
const SILENT = { ...SEEN, seenMsAgo: SILENT_AFTER_MS };

describe('a host', () => {
  it('has a short disk when it has little left, and is counted on', () => {
    const short = SHORT_BELOW_BYTES - 1;
    expect(isShort({ state: 'up', freeBytes: SHORT_BELOW_BYTES })).toBe(false);
    expect(
      (['up', 'late', 'draining', 'drained'] as const).map((state) => isShort({ state, freeBytes: short })),
    ).toEqual([true, true, true, true]);
    expect((['silent', 'stopped'] as const).map((state) => isShort({ state, freeBytes: 0 }))).toEqual([false, false]);
  });

  it('has the slots of all its workers that are heard of, and of no other', () => {
    const other = { ...SEEN, worker: '11', version: '0.2.0', labels: ['gpu'], agents: { used: 2, total: 2 } };
    const dead = { ...SILENT, worker: '12', labels: ['old'] };
    const [host, ...others] = hostsOf([dead, other, SEEN], []);
    expect(others).toEqual([]);
    expect(host).toMatchObject({ id: 'ada-1', state: 'up', workers: 2, agents: { used: 3, total: 6 } });
    expect(host).toMatchObject({ versions: ['0.2.0', '0.3.0'], labels: ['gpu', 'linux'], seenMsAgo: 3_000 });
    expect(host?.builds).toEqual(['0.2.0', '0.3.0']);
    expect(hostsOf([{ ...SEEN, build: '0.3.0-1a2b' }, other], [])[0]?.builds).toEqual(['0.2.0', '0.3.0-1a2b']);
  });

  it.each([
    ['up', [SEEN], []],
    ['draining', [SEEN], [DRAIN]],
    ['drained', [{ ...SEEN, agents: { used: 0, total: 4 } }], [DRAIN]],
    ['up', [{ ...SEEN, seenMsAgo: LATE_AFTER_MS - 1 }], []],
    ['late', [LATE], []],
    ['late', [LATE], [DRAIN]],
    ['draining', [{ ...SEEN, agents: { used: 0, total: 4 } }, LATE], [DRAIN]],
    ['silent', [SILENT], []],
    ['silent', [SILENT], [DRAIN]],
    ['stopped', [{ ...SEEN, stopped: true }], []],
    ['stopped', [], [DRAIN]],
  ] as const)('is %s', (state, workers, drains) => {
    expect(hostsOf(workers, drains)).toMatchObject([{ id: 'ada-1', state, drained: drains[0] ?? null }]);
  });

  it('does not count a worker that has missed a report beside one that took its place', () => {
    const killed = { ...LATE, worker: '9', version: '0.2.0', agents: { used: 4, total: 4 } };
    const [host] = hostsOf([killed, SEEN], []);
    expect(host).toMatchObject({
      state: 'up',
      workers: 1,
      late: 1,
      agents: { used: 1, total: 4 },
      versions: ['0.3.0'],
    });
    expect(hostsOf([killed], [])).toMatchObject([
      { workers: 0, late: 1, agents: { used: 0, total: 0 }, seenMsAgo: 20_000 },
    ]);
    // It is still expected back for what only it could do.
    expect(whoHas(['linux'], [killed], [])).toEqual({ takes: ['ada-1'], drained: [] });
  });

  it('is found by the beginning of its id, when that is its alone', () => {
    const hosts = hostsOf([SEEN, { ...SEEN, host: 'ada-12' }, { ...SEEN, host: 'eve-1' }], []);
    expect(valueOf(findHost(hosts, 'e')).id).toBe('eve-1');
    expect(valueOf(findHost(hosts, 'ada-1')).id).toBe('ada-1');
    expect(messageOf(findHost(hosts, 'ada'))).toBe('"ada" is ambiguous: ada-1 and ada-12 begin with it');
    for (const text of ['x', '']) expect(messageOf(findHost(hosts, text))).toMatch(/^no host begins with/);
  });

  it('is a line of the list', () => {
    const screen = { palette: PLAIN, columns: null, nowMs: NOW_MS };
    const workspaces = { count: 12, bytes: 5 * 1024 ** 3, hibernated: 3, latest: [] };
    const lines = renderHosts(
      hostsOf(
        [
          { ...SEEN, workspaces },
          { ...LATE, worker: '9' },
          { ...LATE, host: 'bob-1' },
          { ...SILENT, host: 'eve-1', freeBytes: 5e8 },
          { ...SEEN, host: 'zed-1', worker: '1', build: '0.3.0-1a2b' },
          { ...SEEN, host: 'zed-1', worker: '2', version: '0.2.0', build: 'blue' },
          { ...LATE, host: 'zed-1', worker: '3' },
          { ...LATE, host: 'zed-1', worker: '4' },
        ],
        [DRAIN],
      ),
      screen,
    );
    expect(lines.map((line) => line.replace(/ {2,}/g, '  ').trim())).toEqual([
      'HOST  STATE  AGENTS  GATES  LOAD  FREE  WORKSPACES  SEEN  VERSION  LABELS',
      'ada-1  draining (1 more gives no sign of life)  1/4  0/2  1.3 of 8  20 GiB  12 (5.0 GiB), 3 hibernated  3 s ago  0.3.0  linux',
      'bob-1  no sign of life for 20 s  -  -  1.3 of 8  20 GiB  -  20 s ago  0.3.0  linux',
      'eve-1  silent  -  -  1.3 of 8  477 MiB  -  45 s ago  0.3.0  linux',
      // What somebody has named his build does not say which version it is.
      'zed-1  up (2 workers, 2 more give no sign of life)  2/8  0/4  1.3 of 8  20 GiB  -  3 s ago  0.3.0-1a2b 0.2.0 (blue)  linux',
    ]);
  });
});

describe('a hibernated workspace', () => {
  const one = {
    project: valueOf(parseProjectName('shop')),
    task: valueOf(parseTaskId('0123456789')),
    why: 'count',
  } as const;
  const report = (since: string) => ({ count: 2, bytes: null, hibernated: 1, latest: [{ ...one, since }] });

  it('is where it was given up last', () => {
    const workers = [
      { ...SEEN, workspaces: report('2026-01-01T00:00:00.000Z') },
      { ...SEEN, host: 'eve-1', workspaces: report('2026-01-02T00:00:00.000Z') },
      { ...SEEN, host: 'old-1' },
      { ...SEEN, host: 'zed-1', workspaces: report('2026-01-01T12:00:00.000Z') },
    ];
    expect(hibernatedOn(workers, one.task)).toEqual({ ...one, since: '2026-01-02T00:00:00.000Z', host: 'eve-1' });
    expect(hibernatedOn(workers.toReversed(), one.task)?.host).toBe('eve-1');
    expect(hibernatedOn(workers, valueOf(parseTaskId('abcdefghjk')))).toBeNull();
  });

  it('is told by the host, by its worker that was seen last and knows', () => {
    const [host] = hostsOf([SEEN, { ...SEEN, worker: '11', seenMsAgo: 5_000, workspaces: report('2026-01-01') }], []);
    expect(host?.workspaces).toMatchObject({ count: 2, hibernated: 1 });
    expect(hostsOf([SEEN], [])[0]?.workspaces).toBeNull();
  });
});

describe('who takes phases that require labels', () => {
  const gpu = { ...SEEN, labels: ['gpu', 'linux'] };

  it('are the hosts of workers that have them all and slots for agents', () => {
    const other = { ...gpu, host: 'bob-1', agents: { used: 0, total: 0 } };
    expect(whoHas(['gpu', 'linux'], [gpu, other, { ...SEEN, host: 'eve-1' }], [])).toEqual({
      takes: ['ada-1'],
      drained: [],
    });
    expect(whyNoHost(['gpu'], [gpu], [])).toBeNull();
  });

  it('are none whose two workers have one label each', () => {
    const second = { ...SEEN, worker: '11', labels: ['gpu'] };
    expect(whoHas(['gpu', 'linux'], [SEEN, second], []).takes).toEqual([]);
  });

  it.each([
    ['is silent', { ...gpu, seenMsAgo: SILENT_AFTER_MS }],
    ['has stopped', { ...gpu, stopped: true }],
    ['has others', SEEN],
  ])('are none when the only worker %s', (_, worker) => {
    expect(whyNoHost(['gpu', 'linux'], [worker], [])).toBe(
      'no worker has gpu, linux: start one with tasks worker --labels gpu,linux',
    );
  });

  it('are told with the drained hosts that would', () => {
    expect(whyNoHost(['gpu'], [gpu], [DRAIN])).toBe('only drained hosts have gpu: ada-1; tasks hosts undrain ada-1');
  });

  it('are told where no labels are required, too', () => {
    expect(whyNoHost([], [SEEN], [])).toBeNull();
    expect(whyNoHost([], [SEEN], [DRAIN])).toBe('there are only drained hosts: ada-1; tasks hosts undrain ada-1');
    expect(whyNoHost([], [{ ...SEEN, stopped: true }], [])).toBe(
      'no worker with slots for agents is heard of: start one with tasks up, or tasks worker',
    );
  });
});
