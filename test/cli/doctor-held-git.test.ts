/** What `tasks doctor` says of git that looks at what agents leave: whether a sandbox holds it here. */

import { describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkHeldGit } from '../../src/cli/doctor/held-git.ts';
import type { Check } from '../../src/cli/render/checks.ts';
import { Session } from '../../src/cli/session.ts';
import { confine } from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment, cliIo } from './rig.ts';

const canHold = confine !== null;
const test = canHold ? it : it.skip;
const skipped = canHold ? '' : ' (skipped: bubblewrap is missing)';

/** A machine whose git is a script that starts the real one from another folder. */
async function machine() {
  const folder = await tempFolder('machine');
  for (const name of ['state', 'bin', 'elsewhere']) await mkdir(join(folder, name));
  const elsewhere = join(folder, 'elsewhere');
  await writeFile(join(elsewhere, 'git'), '#!/bin/sh\nexec /usr/bin/git "$@"\n', { mode: 0o755 });
  await writeFile(join(folder, 'bin/git'), `#!/bin/sh\nexec ${elsewhere}/git "$@"\n`, { mode: 0o755 });
  const env = cliEnvironment(folder, { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` });
  return { folder, elsewhere, place: { cwd: folder, env } };
}

describe('tasks doctor', () => {
  test(`is content with git that starts in its sandbox${skipped}`, async () => {
    const { folder } = await machine();
    const place = { cwd: folder, env: cliEnvironment(folder) };
    const [shown] = (await cli(place, ['doctor', '--json'])).json<{ checks: readonly Check[] }>();
    expect(shown?.checks.filter(({ name }) => name === 'held git')).toMatchObject([{ verdict: 'ok' }]);
  });

  test(`says what is the matter with git that does not, and how it would${skipped}`, async () => {
    const { folder, elsewhere, place } = await machine();
    const session = new Session(cliIo(place), false);
    const [check] = await checkHeldGit(session);
    expect(check).toMatchObject({
      verdict: 'warn',
      found: expect.stringMatching(/held by no sandbox: .*elsewhere\/git/),
      fix: expect.stringContaining('read: in host.yaml'),
    });
    await writeFile(join(folder, 'state/host.yaml'), `read: [${elsewhere}]\n`);
    expect(await checkHeldGit(session)).toMatchObject([{ verdict: 'ok', fix: null }]);
  });

  it('says why no sandbox is made for it', async () => {
    const { folder, place } = await machine();
    await writeFile(join(folder, 'bwrap'), '#!/bin/sh\necho "no namespaces" >&2; exit 1\n', { mode: 0o755 });
    expect(await checkHeldGit(new Session(cliIo(place), false), join(folder, 'bwrap'))).toMatchObject([
      { verdict: 'warn', found: expect.stringContaining('no namespaces') },
    ]);
  });
});
