/** What `tasks doctor` says of databases that state homes which were deleted have left. */

import { describe, expect, it } from '@jest/globals';
import { checkLeftOutside } from '../../src/cli/doctor/left-outside.ts';
import { Session } from '../../src/cli/session.ts';
import { tempFolder } from '../support/temp.ts';
import { cliEnvironment, cliIo } from './rig.ts';

async function checked(homes: readonly string[]) {
  const folder = await tempFolder('machine');
  const session = new Session(cliIo({ cwd: folder, env: cliEnvironment(folder) }), false);
  const left = homes.map((home, index) => ({ folder: `/var/lib/tributary/${index}`, home }));
  return checkLeftOutside(session, () => Promise.resolve(left));
}

describe('databases of earlier state homes', () => {
  it('are nothing to say anything of where there are none', async () => {
    expect(await checked([])).toEqual([]);
  });

  it('are named with their homes and the command that removes them, the first few', async () => {
    expect(await checked(['/a'])).toMatchObject([
      { verdict: 'warn', found: 'a database is left of an earlier state home: /a' },
    ]);
    const [check] = await checked(['/a', '/b', '/b', '/c', '/d']);
    expect(check?.found).toBe('5 databases are left of earlier state homes: /a, /b, /c and 1 more');
    expect(check?.fix).toMatch(/rm -r \/var\/lib\/tributary\/0 \/var\/lib\/tributary\/1 \/var\/lib\/tributary\/2$/);
  });
});
