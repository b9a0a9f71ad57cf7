/** The queue's rules and their simulation, for the benchmark. */

export { packQueue } from '../src/core/queue-carried.ts';
export { EMPTY_QUEUE, queueViewOf, reconcile } from '../src/core/queue.ts';
export { batchBound, simulateLanding, strictBound } from '../test/core/landing-simulation.ts';
export { diceOf, itemOf } from '../test/core/rig.ts';
export { taskIdFromBytes } from '../src/core/ids.ts';
