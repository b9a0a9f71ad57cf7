/**
 * Loaded into every Node process of a stack that is profiled (NODE_OPTIONS takes --require and no --cpu-prof): writes a
 * CPU profile of each thread of the worker to $TRIBUTARY_PROFILE when it ends.
 */

const { writeFileSync } = require('node:fs');
const { Session } = require('node:inspector');
const { join } = require('node:path');
const { threadId } = require('node:worker_threads');

const folder = process.env['TRIBUTARY_PROFILE'];
if (folder !== undefined && process.argv[1]?.endsWith(join('worker', 'main.js')) === true) {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.start');
  process.on('exit', () => {
    session.post('Profiler.stop', (error, result) => {
      if (error !== null) return;
      writeFileSync(join(folder, `worker-${process.pid}-${threadId}.cpuprofile`), JSON.stringify(result.profile));
    });
  });
}
