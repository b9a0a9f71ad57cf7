import { expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseContainer } from '../../src/process/containment.ts';
import { tempFolder } from '../support/temp.ts';

it('tells what bubblewrap says of why it cannot be used', async () => {
  const bwrap = join(await tempFolder('bwrap'), 'bwrap');
  // As bubblewrap does, what is contained closes the descriptor of the status, and then says what is wrong.
  const program = `while [ "$1" != --json-status-fd ]; do shift; done
eval "exec $2>&-"
echo "bwrap: Can't mount proc on /newroot/proc: Operation not permitted" >&2
exit 1`;
  await writeFile(bwrap, `#!/bin/sh\n${program}\n`, { mode: 0o755 });
  const { containment } = await chooseContainer(bwrap);
  expect(containment).toEqual({ kind: 'process-group', why: expect.stringContaining("(bwrap: Can't mount proc on ") });
});

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

it('leaves nothing behind that would keep the process from ending when bubblewrap cannot be started', async () => {
  const before = timers();
  const { containment } = await chooseContainer('/no/such/bwrap');
  expect(containment).toEqual({ kind: 'process-group', why: expect.stringContaining('ENOENT') });
  expect(timers()).toBe(before);
});
