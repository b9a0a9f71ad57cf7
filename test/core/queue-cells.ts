/** The states that a queue may be in, and all that may happen to it, for the table of the queue. */

import type { CheckStage } from '../../src/core/queue-check-types.ts';
import {
  EMPTY_QUEUE,
  reconcile,
  type Control,
  type Doubt,
  type EntryStage,
  type Halt,
  type Queue,
  type QueueFact,
  type SealAnswer,
} from '../../src/core/queue.ts';
import type { BuildResult, GateVerdict, LandResult, RunState } from '../../src/core/queue-types.ts';
import { candidateOf, failureOf, itemOf, LANDING, NOW_MS, objectId, REQUEST, taskId } from './rig.ts';

const CLOCK = { nowMs: NOW_MS, random: 0.5 };
const MAIN = objectId(9);

export function run(queue: Queue, ...facts: readonly QueueFact[]): Queue {
  return facts.reduce((next, fact) => reconcile(next, [fact], CLOCK).queue, queue);
}

function built(task: number, result: BuildResult, parent: number | null = null): QueueFact {
  const answer = {
    result,
    main: { commit: MAIN, since: 'first', vanished: [] },
    run: null,
    slots: 1,
    window: null,
  } as const;
  const on = parent === null ? null : objectId(parent);
  return { kind: 'built', taskId: taskId(task), attempt: 3, parent: on, known: null, answer };
}

/** Task 1's candidate is 5, and task 2's is 6, on main or on 5. */
function candidate(task: number, parent: number | null = null): QueueFact {
  const main = parent === null ? MAIN : objectId(parent);
  const made = { ...candidateOf(4 + task), main };
  return built(task, { kind: 'candidate', candidate: made, knownGreen: false }, parent);
}

const running = (suspect: boolean): RunState => ({ kind: 'running', runId: 'run', suspect });
const ended = (verdict: GateVerdict): RunState => ({ kind: 'ended', verdict });

function gate(task: number, state: RunState): QueueFact {
  return { kind: 'gate', key: `${candidateOf(4 + task).tree}/gate`, state };
}

function mainGate(state: RunState): QueueFact {
  return { kind: 'main-gate', commit: MAIN, key: 'main/gate', state };
}

function pushed(task: number, result: LandResult): QueueFact {
  return { kind: 'pushed', taskId: taskId(task), attempt: 3, result };
}

function control(action: Control['action'], task = 1): QueueFact {
  const about = { actor: 'Ada', taskId: taskId(task) };
  return {
    kind: 'control',
    control: action === 'pause' || action === 'resume' ? { action, actor: 'Ada' } : { action, ...about },
  };
}

const RED: GateVerdict = { kind: 'red', failedCommand: 'npm test', text: 'red', logTail: '', landedSince: [] };
const GREEN: GateVerdict = { kind: 'green' };
const NONE: GateVerdict = { kind: 'none', reason: 'killed' };
const NO_ANSWER: LandResult = { kind: 'held', why: 'origin', text: 'no answer' };
const REWRITTEN: QueueFact = {
  kind: 'looked',
  look: {
    known: MAIN,
    main: { commit: objectId(50), since: 'rewritten', vanished: [] },
    runs: [],
    turnOver: null,
    slots: 1,
  },
};
/** The commits of 5 and 6 are written anew, as 15 and 16. */
const PARTS = [1, 2].map((task) => ({
  taskId: taskId(task),
  attempt: 3,
  was: objectId(4 + task),
  commit: objectId(14 + task),
  main: task === 1 ? MAIN : objectId(15),
  cover: candidateOf(6).tree,
}));
const SEALED: QueueFact = {
  kind: 'sealed',
  first: { taskId: taskId(1), attempt: 3 },
  answer: { kind: 'sealed', parts: PARTS },
};

const HANDED_OFF = run(EMPTY_QUEUE, { kind: 'handed-off', item: itemOf(1, 3) });
const BUILDING = run(HANDED_OFF, { kind: 'handed-off', item: itemOf(2, 3) });
const GATING = run(BUILDING, candidate(1));
const LANDS = run(GATING, gate(1, ended(GREEN)));
const CHECKING = run(
  { ...EMPTY_QUEUE, verify: true, main: { commit: MAIN, standing: 'unknown', foreign: false } },
  { kind: 'handed-off', item: itemOf(1, 3) },
  { kind: 'handed-off', item: itemOf(2, 3) },
);
const CHECKED = run(CHECKING, candidate(1));
/** Both have come while another was gated, and one run covers them. */
const BATCH = run(
  { ...EMPTY_QUEUE, batch: true, outcomes: '0'.repeat(60) },
  { kind: 'handed-off', item: itemOf(1, 3) },
  { kind: 'handed-off', item: itemOf(2, 3) },
);
const TOGETHER = reconcile(BATCH, [candidate(1), candidate(2, 5)], CLOCK).queue;
const RED_MAIN = run(GATING, gate(1, ended(RED)), mainGate(ended(RED)));

/** A stage, a doubt or a halt that is missing here or in the table does not compile. */
export type StateName =
  | 'nothing'
  | EntryStage['kind']
  | `doubt: ${Exclude<Doubt, 'none'>}`
  | `halt: ${Halt['kind']}`
  | `check: ${CheckStage['kind']}`
  | 'suspect'
  | 'renamed'
  | 'red main'
  | 'turn'
  | 'batch'
  | 'batch, sealed'
  | 'batch, landing';

/** What becomes of the first one, with another one behind it. */
export const STATES: Readonly<Record<StateName, Queue>> = {
  nothing: EMPTY_QUEUE,
  building: BUILDING,
  held: run(BUILDING, built(1, { kind: 'held', why: 'origin', text: 'no answer' })),
  // Here it is the second one: the first is behind nobody.
  behind: run(GATING, built(2, { kind: 'behind' }, 5)),
  candidate: GATING,
  suspect: run(GATING, gate(1, running(true))),
  renamed: run(GATING, { kind: 'handed-off', item: itemOf(1, 3, { title: 'other' }) }),
  red: run(GATING, gate(1, ended(RED))),
  landing: LANDS,
  'doubt: pushed': run(LANDS, pushed(1, NO_ANSWER)),
  'doubt: withdraw': run(LANDS, { kind: 'withdraw', taskId: taskId(1), handoff: 3 }),
  'halt: person': run(GATING, control('pause')),
  'halt: rewritten': run(GATING, REWRITTEN),
  'halt: mismatch': run(LANDS, pushed(1, { kind: 'mismatch', text: 'another tree' })),
  'halt: protected': run(LANDS, pushed(1, { kind: 'protected', text: 'no' })),
  'red main': RED_MAIN,
  turn: { ...BUILDING, turn: { taskId: taskId(2), untilMs: NOW_MS + 60_000 } },
  'check: building': CHECKING,
  'check: held': run(CHECKED, gate(1, ended(NONE))),
  'check: candidate': CHECKED,
  'check: red': run(CHECKED, gate(1, ended(RED))),
  batch: TOGETHER,
  'batch, sealed': run(TOGETHER, SEALED),
  'batch, landing': run(TOGETHER, SEALED, gate(2, ended(GREEN))),
};

/** A kind of fact, or of what it says, that is missing here or in the table does not compile. */
type Plain = Exclude<QueueFact['kind'], 'built' | 'gate' | 'main-gate' | 'pushed' | 'sealed' | 'control'>;
export type FactName =
  | Plain
  | `built: ${BuildResult['kind']}`
  | `gate: ${GateVerdict['kind'] | 'running' | 'suspect'}`
  | `main-gate: ${GateVerdict['kind'] | 'running'}`
  | `pushed: ${LandResult['kind']}`
  | `sealed: ${SealAnswer['kind']}`
  | `control: ${Control['action']}`
  | 'handed off again'
  | 'handed off under another title'
  | 'next withdrawn'
  | 'last green'
  | 'last red'
  | 'last suspect'
  | 'last landed'
  | 'last refused'
  | 'last protected'
  | 'rewritten';

export const FACTS: Readonly<Record<FactName, QueueFact>> = {
  'handed-off': { kind: 'handed-off', item: itemOf(9, 1) },
  'handed off again': { kind: 'handed-off', item: itemOf(1, 3) },
  'handed off under another title': { kind: 'handed-off', item: itemOf(1, 3, { title: 'third' }) },
  withdraw: { kind: 'withdraw', taskId: taskId(1), handoff: 3 },
  'next withdrawn': { kind: 'withdraw', taskId: taskId(2), handoff: 3 },
  'built: candidate': candidate(1),
  'built: landed': built(1, { kind: 'landed', landing: LANDING }),
  'built: conflict': built(1, { kind: 'conflict', request: REQUEST }),
  'built: behind': built(1, { kind: 'behind' }),
  'built: nothing-to-land': built(1, { kind: 'nothing-to-land' }),
  'built: refused': built(1, { kind: 'refused', failure: failureOf('landing-refused') }),
  'built: ended': built(1, { kind: 'ended' }),
  'built: held': built(1, { kind: 'held', why: 'engine', text: 'a fault' }),
  'gate: running': gate(1, running(false)),
  'gate: suspect': gate(1, running(true)),
  'gate: green': gate(1, ended(GREEN)),
  'gate: red': gate(1, ended(RED)),
  'gate: none': gate(1, ended(NONE)),
  'last green': gate(2, ended(GREEN)),
  'last red': gate(2, ended(RED)),
  'last suspect': gate(2, running(true)),
  'main-gate: running': mainGate(running(false)),
  'main-gate: green': mainGate(ended(GREEN)),
  'main-gate: red': mainGate(ended(RED)),
  'main-gate: none': mainGate(ended(NONE)),
  'sealed: sealed': SEALED,
  'sealed: failed': {
    kind: 'sealed',
    first: { taskId: taskId(1), attempt: 3 },
    answer: { kind: 'failed', text: 'no disk' },
  },
  'pushed: landed': pushed(1, { kind: 'landed', landing: LANDING }),
  'pushed: moved': pushed(1, { kind: 'moved' }),
  'pushed: held': pushed(1, NO_ANSWER),
  'pushed: mismatch': pushed(1, { kind: 'mismatch', text: 'another tree' }),
  'pushed: protected': pushed(1, { kind: 'protected', text: 'no' }),
  'pushed: refused': pushed(1, { kind: 'refused', failure: failureOf('landing-refused') }),
  'last landed': pushed(2, { kind: 'landed', landing: LANDING, under: [LANDING] }),
  'last refused': pushed(2, { kind: 'refused', failure: failureOf('landing-refused') }),
  'last protected': pushed(2, { kind: 'protected', text: 'no' }),
  dropped: { kind: 'dropped', key: 'none/gate' },
  details: { kind: 'details', asked: [{ taskId: taskId(7), attempt: 1 }], items: [], isWhole: true },
  looked: {
    kind: 'looked',
    look: { known: MAIN, main: { commit: MAIN, since: 'same', vanished: [] }, runs: [], turnOver: null, slots: 1 },
  },
  rewritten: REWRITTEN,
  told: { kind: 'told', count: 99 },
  'control: pause': control('pause'),
  'control: resume': control('resume'),
  'control: promote': control('promote', 2),
  'control: remove': control('remove'),
};
