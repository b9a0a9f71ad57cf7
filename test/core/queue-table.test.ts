import { describe, expect, it } from '@jest/globals';
import { EMPTY_QUEUE, reconcile, type Queue, type QueueFact } from '../../src/core/queue.ts';
import type { BuildResult, GateVerdict, RunState } from '../../src/core/queue-types.ts';
import { candidateOf, failureOf, itemOf, LANDING, NOW_MS, objectId, REQUEST, taskId } from './rig.ts';

const CLOCK = { nowMs: NOW_MS, random: 0.5 };
const MAIN = objectId(9);

function run(queue: Queue, ...facts: readonly QueueFact[]): Queue {
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

function gated(number: number, verdict: GateVerdict): QueueFact {
  return gateFact(number, { kind: 'ended', verdict });
}

function gateFact(number: number, state: RunState): QueueFact {
  return { kind: 'gate', key: `${candidateOf(number).tree}/gate`, state };
}

const RED: GateVerdict = { kind: 'red', failedCommand: 'npm test', text: 'red', logTail: '', landedSince: [] };
const FIRST = { taskId: taskId(1), attempt: 3 };

const CANDIDATE = built(1, { kind: 'candidate', candidate: candidateOf(5), knownGreen: false });
const HANDED_OFF = run(EMPTY_QUEUE, { kind: 'handed-off', item: itemOf(1, 3) });
const BUILDING = run(HANDED_OFF, { kind: 'handed-off', item: itemOf(2, 3) });
const GATING = run(BUILDING, CANDIDATE);
const LANDS = run(GATING, gated(5, { kind: 'green' }));

/** What becomes of the first in line, with another one behind it. */
const IN = {
  nothing: EMPTY_QUEUE,
  building: BUILDING,
  held: run(BUILDING, built(1, { kind: 'held', why: 'origin', text: 'no answer' })),
  candidate: GATING,
  suspect: run(GATING, gateFact(5, { kind: 'running', runId: 'run', suspect: true })),
  red: run(GATING, gated(5, RED)),
  landing: LANDS,
  'in doubt': run(LANDS, { kind: 'pushed', ...FIRST, result: { kind: 'held', why: 'origin', text: 'no answer' } }),
  'withdrawn in doubt': run(LANDS, { kind: 'withdraw', taskId: taskId(1), handoff: 3 }),
  paused: run(GATING, { kind: 'control', control: { action: 'pause', actor: 'Ada' } }),
  'not what was tested': run(LANDS, { kind: 'pushed', ...FIRST, result: { kind: 'mismatch', text: 'another tree' } }),
  protected: run(LANDS, { kind: 'pushed', ...FIRST, result: { kind: 'protected', text: 'no' } }),
} as const satisfies Record<string, Queue>;

const FACTS = {
  'handed off': { kind: 'handed-off', item: itemOf(9, 1) },
  'handed off again': { kind: 'handed-off', item: itemOf(1, 3) },
  withdrawn: { kind: 'withdraw', taskId: taskId(1), handoff: 3 },
  'next withdrawn': { kind: 'withdraw', taskId: taskId(2), handoff: 3 },
  'built as a candidate': CANDIDATE,
  'found landed': built(1, { kind: 'landed', landing: LANDING }),
  'in conflict': built(1, { kind: 'conflict', request: REQUEST }),
  'behind nothing': built(1, { kind: 'behind' }),
  unchanged: built(1, { kind: 'nothing-to-land' }),
  refused: built(1, { kind: 'refused', failure: failureOf('landing-refused') }),
  'not built': built(1, { kind: 'held', why: 'engine', text: 'a fault' }),
  green: gated(5, { kind: 'green' }),
  'red twice': gated(5, RED),
  'red once': gateFact(5, { kind: 'running', runId: 'run', suspect: true }),
  'not gated': gated(5, { kind: 'none', reason: 'killed' }),
  landed: { kind: 'pushed', ...FIRST, result: { kind: 'landed', landing: LANDING } },
  'too late for main': { kind: 'pushed', ...FIRST, result: { kind: 'moved' } },
  'without an answer': { kind: 'pushed', ...FIRST, result: { kind: 'held', why: 'origin', text: 'no answer' } },
  'another tree': { kind: 'pushed', ...FIRST, result: { kind: 'mismatch', text: 'another tree' } },
  'branch protected': { kind: 'pushed', ...FIRST, result: { kind: 'protected', text: 'no' } },
  'push refused': {
    kind: 'pushed',
    ...FIRST,
    result: { kind: 'refused', failure: failureOf('landing-refused') },
  },
  pause: { kind: 'control', control: { action: 'pause', actor: 'Ada' } },
  resume: { kind: 'control', control: { action: 'resume', actor: 'Ada' } },
  remove: { kind: 'control', control: { action: 'remove', actor: 'Ada', taskId: taskId(1) } },
} as const satisfies Record<string, QueueFact>;

type StateName = keyof typeof IN;
type FactName = keyof typeof FACTS;

/** The first one's stage after the fact, and how many are in the queue; `-` for none. */
function told(queue: Queue): string {
  const [first] = queue.chain;
  const doubt = first === undefined || first.doubt === 'none' ? '' : ` ${first.doubt}`;
  const stage = first === undefined ? '-' : `${first.item.taskId.slice(-1)} ${first.stage.kind}${doubt}`;
  return `${stage} ${queue.chain.length + queue.line.length}${queue.halt === null ? '' : ` ${queue.halt.kind}`}`;
}

/** What is not named here is ignored. */
const LEADS: { readonly [S in StateName]: { readonly [F in FactName]?: string } } = {
  nothing: {
    'handed off': '9 building 1',
    'handed off again': '1 building 1',
    withdrawn: '- 0',
    'next withdrawn': '- 0',
    'built as a candidate': '- 0',
    'found landed': '- 0',
    'in conflict': '- 0',
    'behind nothing': '- 0',
    unchanged: '- 0',
    refused: '- 0',
    'not built': '- 0',
    green: '- 0',
    pause: '- 0 person',
  },
  building: {
    'handed off': '1 building 3',
    withdrawn: '2 building 1',
    'next withdrawn': '1 building 1',
    'built as a candidate': '1 candidate 2',
    'found landed': '2 building 1',
    'in conflict': '2 building 1',
    'behind nothing': '1 building 2',
    unchanged: '2 building 1',
    refused: '2 building 1',
    'not built': '1 held 2',
    green: '1 building 2',
    pause: '1 building 2 person',
    remove: '2 building 1',
  },
  held: {
    'handed off': '1 held 3',
    withdrawn: '2 building 1',
    'next withdrawn': '1 held 1',
    green: '1 held 2',
    pause: '1 held 2 person',
    remove: '2 building 1',
  },
  candidate: {
    'handed off': '1 candidate 3',
    withdrawn: '2 building 1',
    'next withdrawn': '1 candidate 1',
    green: '1 landing 2',
    'red twice': '1 red 2',
    'red once': '1 candidate 2',
    'not gated': '1 held 2',
    pause: '1 candidate 2 person',
    remove: '2 building 1',
  },
  suspect: {
    'handed off': '1 candidate 3',
    withdrawn: '2 building 1',
    'next withdrawn': '1 candidate 1',
    green: '1 landing 2',
    'red twice': '1 red 2',
    'red once': '1 candidate 2',
    'not gated': '1 held 2',
    pause: '1 candidate 2 person',
    remove: '2 building 1',
  },
  red: {
    'handed off': '1 red 3',
    withdrawn: '2 building 1',
    'next withdrawn': '1 red 1',
    green: '1 red 2',
    pause: '1 red 2 person',
    remove: '2 building 1',
  },
  landing: {
    'handed off': '1 landing 3',
    withdrawn: '1 landing withdraw 2',
    'next withdrawn': '1 landing 1',
    green: '1 landing 2',
    landed: '2 building 1',
    'too late for main': '1 building 2',
    'without an answer': '1 held pushed 2',
    'another tree': '1 building pushed 2 mismatch',
    'branch protected': '1 candidate 2 protected',
    'push refused': '2 building 1',
    pause: '1 landing 2 person',
  },
  'in doubt': {
    'handed off': '1 held pushed 3',
    withdrawn: '1 building withdraw 2',
    'next withdrawn': '1 held pushed 1',
    green: '1 held pushed 2',
    pause: '1 held pushed 2 person',
  },
  'withdrawn in doubt': {
    'handed off': '1 landing withdraw 3',
    'next withdrawn': '1 landing withdraw 1',
    green: '1 landing withdraw 2',
    landed: '2 building 1',
    'too late for main': '2 building 1',
    'without an answer': '1 held withdraw 2',
    'another tree': '1 building pushed 2 mismatch',
    'branch protected': '2 building 1 protected',
    'push refused': '2 building 1',
    pause: '1 landing withdraw 2 person',
  },
  paused: {
    'handed off': '1 candidate 3 person',
    withdrawn: '2 building 1 person',
    'next withdrawn': '1 candidate 1 person',
    green: '1 candidate 2 person',
    'red twice': '1 red 2 person',
    'red once': '1 candidate 2 person',
    'not gated': '1 held 2 person',
    resume: '1 candidate 2',
    remove: '2 building 1 person',
  },
  'not what was tested': {
    'handed off': '1 building pushed 3 mismatch',
    'next withdrawn': '1 building pushed 1 mismatch',
    green: '1 building pushed 2 mismatch',
    // Built once more while the queue halted: it may be known by now that it is there.
    'built as a candidate': '1 candidate 2 mismatch',
    'found landed': '2 building 1 mismatch',
    'in conflict': '2 building 1 mismatch',
    unchanged: '2 building 1 mismatch',
    refused: '2 building 1 mismatch',
    'not built': '1 held pushed 2 mismatch',
    resume: '1 building pushed 2',
  },
  protected: {
    'handed off': '1 candidate 3 protected',
    withdrawn: '2 building 1 protected',
    'next withdrawn': '1 candidate 1 protected',
    // Its tree was seen green: it is tried at once.
    resume: '1 landing 2',
    remove: '2 building 1 protected',
  },
};

const CELLS = (Object.keys(IN) as StateName[]).flatMap((state) =>
  (Object.keys(FACTS) as FactName[]).map((fact) => ({ state, fact, leads: LEADS[state][fact] })),
);

describe('the table of the queue', () => {
  it('begins in the states that it names', () => {
    const names = Object.entries(IN).map(([name, queue]) => `${name}: ${told(queue)}`);
    expect(names).toEqual([
      'nothing: - 0',
      'building: 1 building 2',
      'held: 1 held 2',
      'candidate: 1 candidate 2',
      'suspect: 1 candidate 2',
      'red: 1 red 2',
      'landing: 1 landing 2',
      'in doubt: 1 held pushed 2',
      'withdrawn in doubt: 1 landing withdraw 2',
      'paused: 1 candidate 2 person',
      'not what was tested: 1 building pushed 2 mismatch',
      'protected: 1 candidate 2 protected',
    ]);
  });

  it.each(CELLS.filter(({ leads }) => leads === undefined))('ignores $fact in $state', ({ state, fact }) => {
    const next = run(IN[state], FACTS[fact]);
    expect({ ...next, slots: 0, main: null }).toEqual({ ...IN[state], slots: 0, main: null });
  });

  it.each(CELLS.filter(({ leads }) => leads !== undefined))('goes from $state by $fact to $leads', (cell) => {
    expect(told(run(IN[cell.state], FACTS[cell.fact]))).toBe(cell.leads);
  });
});
