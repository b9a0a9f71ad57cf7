import { describe, expect, it } from '@jest/globals';
import {
  findPlace,
  groupFolder,
  ownGroup,
  tellMissing,
  tellMissingOld,
  type GroupFiles,
} from '../../src/core/control-group.ts';

const ROOT = '/sys/fs/cgroup';
const WORKER = 7;

interface Group {
  readonly type?: string;
  readonly controllers?: string;
  /** Null: the kernel does not tell, as of a threaded group. */
  readonly pids?: readonly number[] | null;
}

/** A hierarchy of version 2 with these groups, in one of which the worker is; the top has no type. */
function files(own: string, groups: Readonly<Record<string, Group>>, closed: readonly string[] = []): GroupFiles {
  const texts = new Map<string, string>();
  const all: Readonly<Record<string, Group>> = { '': { type: '' }, ...groups };
  for (const [path, group] of Object.entries(all)) {
    const folder = `${ROOT}${path}`;
    texts.set(`${folder}/cgroup.controllers`, `${group.controllers ?? 'cpu io memory pids'}\n`);
    if (group.type !== '') texts.set(`${folder}/cgroup.type`, `${group.type ?? 'domain'}\n`);
    const { pids = [] } = group;
    if (pids !== null) texts.set(`${folder}/cgroup.procs`, pids.map((pid) => `${pid}\n`).join(''));
  }
  return {
    root: ROOT,
    own: `0::${own}\n`,
    read: (path) => texts.get(path) ?? null,
    mayWrite: (path) => !closed.includes(path),
    isOwn: (pid) => pid === WORKER,
  };
}

const given = (parent: string, leaf: string | null = null): object => ({
  kind: 'given',
  parent: `${ROOT}${parent}`,
  leaf: leaf === null ? null : `${ROOT}${leaf}`,
  give: ['memory', 'pids'],
  missing: [],
});
const place = (...args: Parameters<typeof files>) => findPlace(files(...args), ['memory', 'pids']);

describe('the place of control groups, version 2', () => {
  it('is the very top for a worker that is there, whoever else is', () => {
    expect(place('/', { '': { type: '', pids: [1, 2, WORKER] } })).toEqual(given(''));
  });

  it('is beside a worker whose own group is named for that', () => {
    const groups = { '/svc': {}, '/svc/tributary-worker': { pids: [WORKER, 8] } };
    expect(place('/svc/tributary-worker', groups)).toEqual(given('/svc'));
  });

  it('is below the group that a worker has for itself, which it leaves for one below it', () => {
    expect(place('/svc', { '/svc': { pids: [WORKER] } })).toEqual(given('/svc', '/svc/tributary-worker'));
  });

  it('is below what a container sees as the top, which is none', () => {
    const groups = { '': { type: 'domain', pids: [WORKER] } };
    expect(place('/', groups)).toEqual(given('', '/tributary-worker'));
    expect(place('/../../host', groups)).toEqual(given('', '/tributary-worker'));
    expect(place('/docker/4711', groups)).toEqual(given('', '/tributary-worker'));
  });

  it('is refused where others are in the group, and those of another PID namespace are others', () => {
    expect(place('/svc', { '/svc': { pids: [WORKER, 0] } })).toMatchObject({
      kind: 'refused',
      why: `1 other process is in its control group ${ROOT}/svc`,
      next: expect.stringContaining('Delegate=yes'),
    });
    expect(place('/svc', { '/svc': { pids: [8, WORKER, 9] } })).toMatchObject({
      why: `2 other processes are in its control group ${ROOT}/svc`,
    });
    const groups = { '/svc': { pids: [8] }, '/svc/tributary-worker': { pids: [WORKER] } };
    expect(place('/svc/tributary-worker', groups)).toMatchObject({ kind: 'refused' });
  });

  it.each([['domain threaded'], ['threaded'], ['domain invalid']])('is refused in a group of type %s', (type) => {
    const refused = { kind: 'refused', why: `the control group ${ROOT}/svc is of type "${type}"` };
    expect(place('/svc', { '/svc': { type, pids: [WORKER] } })).toMatchObject(refused);
    // The kernel does not list the processes of such a group: it is not to be taken for one that is not there.
    expect(place('/svc', { '/svc': { type, pids: null } })).toMatchObject(refused);
  });

  it.each([[''], ['/cgroup.procs'], ['/cgroup.subtree_control']])(
    'is refused where this account may not write the group%s',
    (file) => {
      const why = `this account may not write ${ROOT}/svc${file}`;
      expect(place('/svc', { '/svc': { pids: [WORKER] } }, [`${ROOT}/svc${file}`])).toMatchObject({ why });
    },
  );

  it('says which controllers are not there, and that the others can be given', () => {
    const files1 = files('/svc', { '/svc': { pids: [WORKER], controllers: 'cpu pids' } });
    expect(findPlace(files1, ['memory', 'pids', 'cpu'])).toMatchObject({ give: ['pids', 'cpu'], missing: ['memory'] });
    const files2 = files('/svc', { '/svc': { pids: [WORKER], controllers: '' } });
    expect(findPlace(files2, ['memory', 'pids'])).toMatchObject({ give: [], missing: ['memory', 'pids'] });
    expect(tellMissing('/svc', ['memory', 'pids'])?.why).toBe('/svc/cgroup.controllers has no memory and no pids');
    expect(tellMissing('/svc', [])).toBeNull();
  });

  it('takes a group whose processes cannot be read for an empty one: what comes then refuses to be given', () => {
    const groups = { '/svc': { pids: null }, '/svc/tributary-worker': { pids: [WORKER] } };
    expect(place('/svc/tributary-worker', groups)).toEqual(given('/svc'));
  });

  it('is none where version 2 is not mounted, or does not hold this process', () => {
    const none: GroupFiles = { ...files('/', {}), read: () => null };
    expect(findPlace(none, ['memory'])).toBeNull();
    expect(findPlace({ ...files('/', {}), own: '4:memory:/svc\n' }, ['memory'])).toBeNull();
  });

  it('has no controllers where the kernel does not tell them', () => {
    const there = files('/svc', { '/svc': { pids: [WORKER] } });
    const read = (path: string): string | null => (path === `${ROOT}/svc/cgroup.controllers` ? null : there.read(path));
    expect(findPlace({ ...there, read }, ['memory'])).toMatchObject({ give: [], missing: ['memory'] });
  });
});

describe('the place of control groups, version 1', () => {
  it('says all for which no groups can be made, and nothing where none is missing', () => {
    expect(tellMissingOld(['memory', 'cpu'])).toMatchObject({
      kind: 'refused',
      why: 'this account may make no control groups for memory and cpu (version 1)',
    });
    expect(tellMissingOld([])).toBeNull();
  });
});

describe("a process's own group", () => {
  const MIXED = '8:pids:/a\n4:cpu,cpuacct:/b:c\n0::/d\n';

  it('is read of each hierarchy', () => {
    expect(ownGroup(MIXED, 'pids')).toBe('/a');
    expect(ownGroup(MIXED, 'cpuacct')).toBe('/b:c');
    expect(ownGroup(MIXED, null)).toBe('/d');
    expect(ownGroup(MIXED, 'memory')).toBeNull();
    expect(ownGroup('', null)).toBeNull();
    expect(ownGroup('broken', 'pids')).toBeNull();
  });

  it('is the top where a container does not see it', () => {
    const there = new Map([['/top/a/cgroup.procs', '']]);
    const read = (path: string): string | null => there.get(path) ?? null;
    expect(groupFolder({ read }, '/top', '/a')).toBe('/top/a');
    expect(groupFolder({ read }, '/top', '/b')).toBe('/top');
  });
});
