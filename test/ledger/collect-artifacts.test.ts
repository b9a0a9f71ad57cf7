/** What is kept of a task folder that an agent has made to keep the worker busy. */

import { expect, it } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTaskId } from '../../src/core/ids.ts';
import { collectArtifacts } from '../../src/ledger/collect-artifacts.ts';
import { value } from '../support/git-rig.ts';
import { watchOwnDelay } from '../support/own-delay.ts';
import { tempFolder } from '../support/temp.ts';

const id = value(parseTaskId('0123456789'));

it('folders without a file are looked into a thousand times at the most, and keep nothing else waiting', async () => {
  const folder = await tempFolder('task');
  for (let at = 0; at < 40_000; at += 1) mkdirSync(join(folder, `outputs/a${at}`), { recursive: true });
  writeFileSync(join(folder, 'outputs/0'), 'found\n');
  mkdirSync(join(folder, 'outputs/z'));
  writeFileSync(join(folder, 'outputs/z/late'), 'not looked for\n');
  const delay = watchOwnDelay();
  const found = await collectArtifacts(id, 1, folder);
  expect(delay.stop()).toBeLessThan(250);
  expect(found.map(({ name, content }) => [name, content])).toEqual([['outputs/0', 'found\n']]);
});
