/** What of an attempt's work is protected, as its commits have it. */

import { expect, it } from '@jest/globals';
import { protectedChange } from '../../src/activities/protected-paths.ts';
import { parseProjectFile } from '../../src/config/project-file.ts';
import { SPEC } from '../core/rig.ts';
import { bareOrigin, newRoom, TASKS_YAML, value, worked } from '../support/git-rig.ts';

it('is a file of which a part is, once it is too large to be looked into', async () => {
  const { target } = await bareOrigin({ 'package.json': '{}\n', 'tasks.yaml': TASKS_YAML });
  const { room } = await newRoom();
  const item = await worked(room, target, { 'package.json': `{"x": "${'x'.repeat(2 * 1024 * 1024)}"}\n` });
  const checkpoint = { base: item.base, head: item.head, attempt: 1, changed: true };
  const request = { spec: { ...SPEC, ...target } } as Parameters<typeof protectedChange>[1];
  const all = await room.changedFiles({ ...target, ...checkpoint });
  const settings = value(parseProjectFile('project: demo\nbranch: main\ngate: npm test\n'));
  const found = await protectedChange({ git: room }, request, settings, checkpoint, all);
  expect(found).toMatchObject({ paths: ['package.json'] });
});
