/** The ports that a stack asks for are no other living stack's, whether that listens on them at the moment or not. */

import { describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { homePaths } from '../../src/local/home.ts';
import { preferredPorts } from '../../src/local/preferred-ports.ts';
import { endProcess, spawnDetached } from '../../src/local/processes.ts';
import type { SuperviseRequest } from '../../src/local/supervisor-types.ts';
import { tempFolder } from '../support/temp.ts';

const onLinux = process.platform === 'linux' ? it : it.skip;
// Ports of no stack that may run beside the tests.
const WISHED: SuperviseRequest['parts'] = {
  temporal: {
    kind: 'embedded',
    binary: 'none',
    namespace: 'default',
    preferredPort: 611,
    preferredUiPort: 612,
    searchAttributes: {},
  },
  postgres: { kind: 'embedded', preferredPort: 613 },
  worker: null,
};

async function homeWith(ports: object | null): Promise<string> {
  const home = await tempFolder('home');
  await mkdir(home, { recursive: true });
  if (ports !== null) await writeFile(homePaths(home).ports, JSON.stringify(ports));
  return home;
}

describe('the ports of a stack', () => {
  it('are those of the last time, else the usual ones', async () => {
    expect(await preferredPorts(await homeWith(null), WISHED)).toEqual({
      temporal: 611,
      ui: 612,
      postgres: 613,
    });
    const last = { temporal: 621, ui: 622, postgres: 623 };
    expect(await preferredPorts(await homeWith(last), WISHED)).toEqual(last);
  });

  onLinux('are none that another stack has of which something lives, though its server is down', async () => {
    const other = await homeWith({ temporal: 611, ui: 622, postgres: 623 });
    const spawned = await spawnDetached({
      argv: [process.execPath, '-e', 'setInterval(() => {}, 1000)'],
      cwd: '/',
      env: {},
      logFile: join(other, 'log'),
      home: other,
    });
    if ('missing' in spawned) throw new Error(spawned.missing);
    try {
      const wanted = { temporal: null, ui: 612, postgres: 613 };
      expect(await preferredPorts(await homeWith(null), WISHED)).toEqual(wanted);
      const last = { temporal: 611, ui: 612, postgres: 623 };
      expect(await preferredPorts(await homeWith(last), WISHED)).toEqual({ ...wanted, postgres: null });
      expect((await preferredPorts(other, WISHED)).temporal).toBe(611);
    } finally {
      await endProcess(spawned, [['SIGKILL', 1_000]]);
    }
    expect((await preferredPorts(await homeWith(null), WISHED)).temporal).toBe(611);
  });
});
