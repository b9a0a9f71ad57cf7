/** What `tasks doctor` says of secrets, and of what sandboxes are to see, that host.yaml names and are not here. */

import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkHost } from '../../src/cli/doctor/host.ts';
import { checkNamed } from '../../src/cli/doctor/named.ts';
import { Session } from '../../src/cli/session.ts';
import { tempFolder } from '../support/temp.ts';
import { cliEnvironment, cliIo } from './rig.ts';

/** The checks of a machine with this host.yaml. */
async function checked(host: string, { by = checkNamed, env = {}, folder = '' } = {}) {
  const at = folder === '' ? await tempFolder('machine') : folder;
  await mkdir(join(at, 'state'));
  await writeFile(join(at, 'state/host.yaml'), host);
  const session = new Session(cliIo({ cwd: at, env: cliEnvironment(at, env) }), false);
  try {
    return await by(session);
  } finally {
    await session.close();
  }
}

describe('what host.yaml names', () => {
  it('is told of with the fix where a secret is not here, whoever gets it and wherever doctor is asked', async () => {
    const host = `secrets:
  ONE: {from: "env:NOT_SET", agents: [mine, other]}
  TWO: {from: "env:EMPTY", agents: [mine]}
  THREE: {from: "file:/nowhere/key", agents: [mine]}
`;
    const checks = await checked(host, { by: checkHost, env: { EMPTY: '' } });
    expect(checks.filter(({ name }) => name.startsWith('secrets.'))).toEqual([
      {
        name: 'secrets.ONE',
        verdict: 'warn',
        found: 'env:NOT_SET is not set here',
        fix: 'start the worker where NOT_SET is set (one that runs may have it), or name a file: in its place; until then attempts of mine, other fail',
      },
      expect.objectContaining({ name: 'secrets.TWO', found: 'env:EMPTY is not set here' }),
      {
        name: 'secrets.THREE',
        verdict: 'warn',
        found: '/nowhere/key cannot be read (ENOENT)',
        fix: 'put it there, or mend secrets: {THREE: {from: …}} in host.yaml; until then attempts of mine fail',
      },
    ]);
  });

  it('is told of where sandboxes would go without it', async () => {
    expect(await checked('read: [/nowhere/models]\nwrite: [/nowhere/cache]\n')).toEqual([
      {
        name: 'read',
        verdict: 'warn',
        found: '/nowhere/models is not there: sandboxes go without it',
        fix: 'make it, or take it out of read: in host.yaml and start the worker again',
      },
      expect.objectContaining({ name: 'write', found: '/nowhere/cache is not there: sandboxes go without it' }),
    ]);
  });

  it('is nothing to say anything of where all is here, and no command is run to see', async () => {
    const folder = await tempFolder('machine');
    const ran = join(folder, 'ran');
    const host = `read: [${folder}]\nwrite: [${folder}]\nsecrets:
  ONE: {from: "env:SET", agents: [mine]}
  TWO: {from: "file:${import.meta.filename}", agents: [mine]}
  THREE: {from: "command:touch ${ran}", agents: [mine]}
`;
    expect(await checked(host, { env: { SET: 'it is' }, folder })).toEqual([]);
    expect(existsSync(ran)).toBe(false);
  });

  it('leaves a host.yaml that is wrong to the check of that', async () => {
    expect(await checked('read: 7\n')).toEqual([]);
  });
});
