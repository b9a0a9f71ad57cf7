/** The workflows that a worker registers. */
export { integrationV2 } from './integration.ts';
export { notice } from './notice.ts';
export { task } from './task.ts';
export { gate } from './gate.ts';
