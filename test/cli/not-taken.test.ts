/** What is said of a task that nobody has taken, since neither server answers. */

import { describe, expect, it } from '@jest/globals';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment } from './rig.ts';

/** Takes connections and never says a word, as a suspended server does: the ledger's failure is known before Temporal's. */
async function silentServer(): Promise<{ readonly address: string; readonly close: () => void }> {
  const connected: Socket[] = [];
  const server = createServer((socket) => connected.push(socket.on('error', () => undefined).resume()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.close();
    for (const socket of connected) socket.destroy();
  };
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

describe('a task that Temporal has not taken', () => {
  it('is not said to be taken because the ledger is away, too', async () => {
    const project = await SampleProject.create({ 'tasks.yaml': projectFile(), 'gate.sh': GATE, 'agent.sh': ':' });
    await project.git('fetch', '--quiet', 'origin');
    const { address, close } = await silentServer();
    try {
      const away = { TEMPORAL_ADDRESS: address, DATABASE_URL: 'postgres://127.0.0.1:1/none' };
      const env = cliEnvironment(await tempFolder('home'), away);
      const { code, stderr } = await cli({ cwd: project.clone, env }, ['submit', 'x', '--run', 'true']);
      expect(stderr).toMatch(/^tasks: Temporal at 127\.0\.0\.1:\d+ [^\n]*\n$/);
      expect(code).toBe(1);
    } finally {
      close();
    }
  });
});
