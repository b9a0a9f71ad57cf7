/**
 * Loaded into every Node process of a stack that is profiled (NODE_OPTIONS takes --import and no --cpu-prof): writes a
 * CPU profile of the worker's main thread to $TRIBUTARY_PROFILE when it ends.
 */

import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const folder = process.env['TRIBUTARY_PROFILE'];
const [, program = ''] = process.argv;
if (folder !== undefined && isMainThread && program.endsWith(join('worker', 'main.js'))) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.start');
  process.on('exit', () => {
    session.post('Profiler.stop', (error, result) => {
      if (error === null)
        writeFileSync(join(folder, `worker-${process.pid}.cpuprofile`), JSON.stringify(result.profile));
    });
  });
}
