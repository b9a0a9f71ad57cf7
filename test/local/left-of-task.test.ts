/** What goes with a workspace; as root, who is kept from nothing, under another account. */

import { afterEach, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseProjectName, taskIdFromBytes } from '../../src/core/ids.ts';
import { portOwners } from '../../src/core/ports.ts';
import { freeStalePorts, listStalePorts, removeLeft } from '../../src/local/left-of-task.ts';
import { openPortLeases } from '../../src/local/port-leases.ts';
import { tempFolder } from '../support/temp.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const never = (): Promise<never> => Promise.reject(new Error('it is no workspace'));
afterEach(() => {
  if (isRoot) process.seteuid?.(0);
});

it('removes homes with folders that are closed to their owner, and then frees the ports', async () => {
  const home = await tempFolder('home');
  if (isRoot) {
    chownSync(home, NOBODY, NOBODY);
    process.seteuid?.(NOBODY);
  }
  const project = parseProjectName('shop');
  if (project.kind === 'invalid') throw new Error(project.message);
  const id = taskIdFromBytes(randomBytes(16));
  const scratch = join(home, 'scratch', project.value, id);
  for (const folder of [scratch, `${scratch}.tmp`]) {
    // As Go leaves its modules.
    mkdirSync(join(folder, 'go/pkg/mod'), { recursive: true });
    writeFileSync(join(folder, 'go/pkg/mod/file'), '');
    chmodSync(join(folder, 'go/pkg/mod'), 0o555);
  }
  const freed: boolean[] = [];
  const free = (): Promise<void> => {
    freed.push(existsSync(scratch));
    return Promise.resolve();
  };
  await removeLeft({ home, ports: { free, list: () => Promise.resolve([]) } }, project.value, id);
  expect([scratch, `${scratch}.tmp`].filter((folder) => existsSync(folder))).toEqual([]);
  expect(freed).toEqual([false]);
});

it('frees no ports of a gate worktree that is there again', async () => {
  const home = await tempFolder('home');
  const ports = openPortLeases(home, { base: 21_900, each: 2, ranges: 4 });
  const owner = portOwners.gate('shop', '1');
  await ports.lease(owner);
  expect(await listStalePorts({ home, ports })).toEqual([owner]);
  mkdirSync(join(home, 'gates', 'shop', '1'), { recursive: true });
  expect(await freeStalePorts({ home, ports }, owner, never)).toBe(false);
  expect(await ports.list()).toMatchObject([{ owner }]);
});
