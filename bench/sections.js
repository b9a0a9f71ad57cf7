/** The parts of the benchmark, in the order in which they disturb each other least. */

/** Asked for together as `landing`: all that is about it. */
export const LANDING = ['git', 'history', 'queue', 'rates'];
export const SECTIONS = [...LANDING, 'sandbox', 'tasks', 'waiting'];
