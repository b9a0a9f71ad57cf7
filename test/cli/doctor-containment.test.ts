/** What `tasks doctor` says of the sandbox: once, and how to get one. */

import { describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkContainment } from '../../src/cli/doctor/containment.ts';
import { checkHost } from '../../src/cli/doctor/host.ts';
import type { Check } from '../../src/cli/render/checks.ts';
import { Session } from '../../src/cli/session.ts';
import { tempFolder } from '../support/temp.ts';
import { cliEnvironment, cliIo } from './rig.ts';

/** On a machine whose bubblewrap is this script; null: it has none. */
async function containment(bwrap: string | null, hostFile: string): Promise<readonly Check[]> {
  const folder = await tempFolder('machine');
  for (const name of ['state', 'bin']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'state/host.yaml'), hostFile);
  if (bwrap !== null) await writeFile(join(folder, 'bin/bwrap'), `#!/bin/sh\n${bwrap}\n`, { mode: 0o755 });
  const env = cliEnvironment(folder, { PATH: join(folder, 'bin') });
  const checks = await checkHost(new Session(cliIo({ cwd: folder, env }), false), join(folder, 'bin/bwrap'));
  return checks.filter(({ found, name }) => name === 'containment' || /sandbox|bubblewrap/.test(found));
}

describe('tasks doctor', () => {
  it('is content with a bubblewrap that makes a sandbox', async () => {
    expect(await containment('exit 0', '')).toMatchObject([
      { verdict: 'ok', found: expect.stringContaining('sandbox') },
    ]);
  });

  it('looks for it where a worker does, and not on the PATH', async () => {
    const folder = await tempFolder('path');
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'bin/bwrap'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    const env = cliEnvironment(folder, { PATH: join(folder, 'bin') });
    const check = await checkContainment(new Session(cliIo({ cwd: folder, env }), false), join(folder, 'none'));
    expect(check).toMatchObject({ verdict: 'warn', found: expect.stringContaining('/usr/bin/bwrap') });
  });

  it('warns where a namespace can be made and no sandbox, as a worker does', async () => {
    // What the worker tries last is a sandbox, with folders of its own.
    const [check] = await containment('case "$*" in *--tmpfs*) echo "cannot mount" >&2; exit 1;; esac', '');
    expect(check).toMatchObject({ verdict: 'warn', found: expect.stringContaining('cannot mount') });
  });

  it('warns once where there is none, and says how to get it', async () => {
    const checks = await containment(null, '');
    expect(checks).toMatchObject([{ verdict: 'warn', found: expect.stringContaining('reach what your account does') }]);
    expect(checks[0]?.fix).toContain('apt install bubblewrap');
  });

  it('warns once where one is there that does not work, and says what it lacks', async () => {
    const checks = await containment('echo "No permissions to create new namespace" >&2; exit 1', '');
    expect(checks).toMatchObject([
      {
        verdict: 'warn',
        found: expect.stringMatching(/^bubblewrap cannot be used: .*bwrap .*No permissions to create new namespace/),
      },
    ]);
    expect(checks[0]?.fix).toContain('kernel.unprivileged_userns_clone');
  });

  it('takes it for a fault where host.yaml requires one', async () => {
    expect(await containment(null, 'sandbox: required\n')).toMatchObject([{ verdict: 'fail' }]);
  });

  it('takes it for a fault where host.yaml requires one and switches it off, and names both lines', async () => {
    expect(await containment('exit 0', 'sandbox: required\ncontainment: off\n')).toMatchObject([
      { verdict: 'fail', found: expect.stringMatching(/sandbox: required.*containment: off/) },
    ]);
  });

  it.each(['containment: off\n', 'sandbox: off\n'])('warns once of %j, which switches it off', async (hostFile) => {
    expect(await containment('exit 0', hostFile)).toMatchObject([
      { verdict: 'warn', found: expect.stringContaining('switches it off') },
    ]);
  });
});
