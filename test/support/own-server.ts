/** A Temporal server of a test file's own: one that it may stop, suspend, or start otherwise than the others. */

import { startTemporal, type RunningTemporal } from '../../src/local/temporal-server.ts';
import { tempFolder } from './temp.ts';
import { testBinary } from './temporal.ts';

/** Whoever starts it stops it. @param binary the server's program */
export async function ownServer(binary = testBinary()): Promise<RunningTemporal> {
  const started = await startTemporal({
    binary,
    home: await tempFolder('temporal'),
    namespace: 'default',
    preferredPort: null,
    preferredUiPort: null,
    searchAttributes: {},
    durable: false,
  });
  if (started.kind === 'failed') throw new Error(started.failure.message);
  return started;
}
