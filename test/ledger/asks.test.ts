import { beforeAll, describe, expect, it } from '@jest/globals';
import type { AskView } from '../../src/core/ask-types.ts';
import type { ProjectName, TaskId } from '../../src/core/ids.ts';
import type { Happened, TaskEvent } from '../../src/core/task-events.ts';
import type { WaitingFor } from '../../src/core/task-types.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { ASK, event, migratedLedger, taskId, view } from './rig.ts';

let ledger: Ledger;

beforeAll(async () => {
  ({ ledger } = await migratedLedger());
});

const at = (second: number): string => new Date(Date.UTC(2026, 1, 3, 4, 5, second)).toISOString();

/** Asked at the time that its event has. */
function askAt(second: number, change: Partial<AskView> = {}): AskView {
  return { ...ASK, since: at(second), ...change };
}

function asked(sequence: number, change: Partial<AskView> = {}): TaskEvent {
  return event(sequence, { kind: 'asked', ask: askAt(sequence, change) });
}

const ITEMS = [
  { title: 'Sort', body: '' },
  { title: 'Tidy', body: 'all of it' },
];

/** A question answered after a reminder, one handed on and over with its default, and a decision about further tasks. */
const ASKS: readonly TaskEvent[] = [
  asked(1, { for: 'ada', expiresAt: at(59) }),
  asked(2, { version: 2, text: 'And how?', default: 'fast', choices: [] }),
  event(3, { kind: 'reminded', version: 1, count: 1 }),
  event(4, { kind: 'reminded', version: 1, count: 2 }),
  event(5, { kind: 'answered', version: 1, text: '--json', actor: 'ada' }),
  event(6, { kind: 'escalated', version: 2, to: 'grace' }),
  event(7, { kind: 'expired', version: 2, outcome: 'default' }),
  event(8, { kind: 'answered', version: 2, text: 'fast', actor: 'the deadline' }),
  asked(9, { version: 3, kind: 'tasks', text: 'Two more', body: 'Because.', choices: [], items: ITEMS }),
  event(10, {
    kind: 'decided',
    version: 3,
    decision: 'edited',
    text: null,
    items: [{ kind: 'accepted' }, { kind: 'dropped' }],
    actor: 'ada',
  }),
];

const READ = [
  {
    ...askAt(1, { for: 'ada', expiresAt: at(59) }),
    reminders: 2,
    reply: { how: 'answered', text: '--json', items: [], actor: 'ada', at: at(5) },
  },
  {
    ...askAt(2, { version: 2, text: 'And how?', default: 'fast', choices: [], for: 'grace' }),
    reminders: 0,
    reply: { how: 'expired', text: 'fast', items: [], actor: 'the deadline', at: at(7) },
  },
  {
    ...askAt(9, { version: 3, kind: 'tasks', text: 'Two more', body: 'Because.', choices: [], items: ITEMS }),
    reminders: 0,
    reply: { how: 'edited', text: null, items: [{ kind: 'accepted' }, { kind: 'dropped' }], actor: 'ada', at: at(10) },
  },
];

describe('what a task has asked', () => {
  it('is read with what became of each, whole or in any pieces and order, and as often as it comes', async () => {
    const [whole, pieces] = [taskId('a'), taskId('b')];
    await ledger.record(view({ id: whole, sequence: 10 }), ASKS);
    await ledger.record(view({ id: whole, sequence: 10 }), ASKS);
    for (const one of ASKS.toReversed()) await ledger.record(view({ id: pieces, sequence: one.sequence }), [one]);
    await ledger.record(view({ id: pieces, sequence: 10 }), ASKS);
    expect(await ledger.readAsks(whole)).toEqual(READ);
    expect(await ledger.readAsks(pieces)).toEqual(READ);
    expect(await ledger.readAsks(taskId('z'))).toEqual([]);
  });

  it.each(['approved', 'changes-requested', 'rejected'] as const)('says that a decision was %s', async (decision) => {
    const id = taskId(`c${decision.slice(0, 1)}`);
    await ledger.record(view({ id }), [
      asked(1, { kind: 'plan', text: 'The plan', body: 'First this.' }),
      event(2, { kind: 'decided', version: 1, decision, text: 'so be it', items: [], actor: 'ada' }),
    ]);
    const [ask] = await ledger.readAsks(id);
    expect(ask).toMatchObject({ kind: 'plan', body: 'First this.', reply: { how: decision, text: 'so be it' } });
  });

  it('says that one was given up, by nobody but its deadline', async () => {
    const id = taskId('d');
    await ledger.record(view({ id }), [asked(1), event(2, { kind: 'expired', version: 1, outcome: 'give-up' })]);
    expect((await ledger.readAsks(id))[0]?.reply).toEqual({
      how: 'expired',
      text: null,
      items: [],
      actor: 'the deadline',
      at: at(2),
    });
  });

  it('says that an edit has replaced one, and by which version it is asked anew', async () => {
    const id = taskId('d1');
    await ledger.record(view({ id }), [
      asked(1, { kind: 'task', body: 'old' }),
      event(2, { kind: 'edited', title: null, body: 'new', actor: 'ada', replaces: 1 }),
      asked(3, { version: 2, kind: 'task', body: 'new' }),
      event(4, { kind: 'edited', title: 'of no ask', body: null, actor: 'ada' }),
    ]);
    expect(await ledger.readAsks(id)).toMatchObject([
      { version: 1, body: 'old', reply: { how: 'replaced', text: null, actor: 'ada', at: at(2) } },
      { version: 2, body: 'new', reply: null },
    ]);
  });

  it('has no reply while it is open, and is not there before its own record has come', async () => {
    const id = taskId('e');
    await ledger.record(view({ id }), [
      event(5, { kind: 'answered', version: 2, text: 'yes', actor: 'ada' }),
      asked(1),
    ]);
    expect(await ledger.readAsks(id)).toEqual([{ ...askAt(1), reminders: 0, reply: null }]);
    await ledger.record(view({ id }), [asked(2, { version: 2 })]);
    expect((await ledger.readAsks(id))[1]?.reply).toMatchObject({ how: 'answered', text: 'yes' });
  });

  it('says what it asks as it was asked last, where an event was replaced, and nothing of one that never came about', async () => {
    const id = taskId('a7');
    const later = (each: TaskEvent): TaskEvent => ({ ...each, at: at(30 + each.sequence) });
    await ledger.record(view({ id, sequence: 3 }), [
      asked(1, { text: 'Lost?', default: 'no', expiresAt: at(59), for: 'ada' }),
      event(2, { kind: 'answered', version: 1, text: 'lost', actor: 'ada' }),
      asked(3, { version: 2, text: 'Lost, too?' }),
    ]);
    const again = [
      later(event(1, { kind: 'commented', text: 'more', actor: 'ada' })),
      later(asked(2, { text: 'Which?', choices: [] })),
      later(event(3, { kind: 'reminded', version: 1, count: 1 })),
    ];
    await ledger.record(view({ id, sequence: 3 }), again);
    expect(await ledger.readAsks(id)).toEqual([
      { ...askAt(2, { text: 'Which?', choices: [], since: at(32) }), reminders: 1, reply: null },
    ]);
  });

  it('keeps texts whole up to what a person may write, in any script', async () => {
    const id = taskId('f');
    const body = 'خطة\n'.repeat(8_000);
    const text = '"\n'.repeat(32_000);
    await ledger.record(view({ id }), [
      asked(1, { kind: 'plan', body }),
      event(2, { kind: 'decided', version: 1, decision: 'edited', text, items: [], actor: 'ada' }),
    ]);
    expect(await ledger.readAsks(id)).toMatchObject([{ body, reply: { text } }]);
  });
});

describe('records of two versions of a worker', () => {
  it('keep an event of a kind that this version does not know, and read the others out as ever', async () => {
    const id = taskId('g');
    const unknown = { kind: 'teleported', version: 1, text: 'x', actor: 'y', at: 'z' } as unknown as Happened;
    const events = [asked(1), event(2, unknown), event(3, { kind: 'answered', version: 1, text: 'a', actor: 'ada' })];
    await ledger.record(view({ id }), events);
    expect((await ledger.readEvents(id))[1]?.happened).toEqual(unknown);
    expect(await ledger.readAsks(id)).toMatchObject([{ reply: { how: 'answered', actor: 'ada' } }]);
  });

  it('keep an event that names no ask, or names it with more than is known', async () => {
    const id = taskId('h');
    const nameless = { kind: 'asked', ask: { text: 'without a version' } } as unknown as Happened;
    const richer = { kind: 'asked', ask: { ...askAt(2), colour: 'red' } } as Happened;
    await ledger.record(view({ id }), [event(1, nameless), event(2, richer)]);
    expect(await ledger.readEvents(id)).toHaveLength(2);
    expect(await ledger.readAsks(id)).toEqual([{ ...askAt(2), reminders: 0, reply: null }]);
  });

  it('read out a question as the first version wrote it', async () => {
    const id = taskId('j');
    const old = { kind: 'asked', ask: 'question', version: 1, text: 'Which flag?' } as unknown as Happened;
    await ledger.record(view({ id }), [
      event(1, old),
      event(2, { kind: 'answered', version: 1, text: '--json', actor: 'ada' }),
    ]);
    expect(await ledger.readAsks(id)).toEqual([
      {
        ...askAt(1, { choices: [] }),
        reminders: 0,
        reply: { how: 'answered', text: '--json', items: [], actor: 'ada', at: at(2) },
      },
    ]);
  });

  it('show a view of the first version with what it did not know', async () => {
    const id = taskId('k');
    const { type: _type, parent: _parent, ...old } = view({ id, state: 'waiting' });
    const waitingFor = { kind: 'question', text: 'Which flag?', since: at(1) } as WaitingFor;
    await ledger.record({ ...old, waitingFor } as ReturnType<typeof view>, [asked(1)]);
    expect(await ledger.readTask(id)).toMatchObject({
      type: 'task',
      parent: null,
      waitingFor: { kind: 'question', version: null, proposal: null, for: null, open: 0 },
    });
    const inbox = await ledger.readInbox(null, 100);
    expect(inbox.find((row) => row.id === id)?.asks).toMatchObject([{ version: 1, text: 'Which flag?' }]);
  });
});

const waiting = (change: Partial<WaitingFor> = {}): WaitingFor => ({
  kind: 'question',
  text: 'Which flag?',
  since: at(1),
  version: 1,
  proposal: null,
  for: null,
  open: 1,
  ...change,
});

async function openOf(id: TaskId, project: ProjectName): Promise<readonly unknown[] | undefined> {
  return (await ledger.readInbox(project, 100)).find((row) => row.id === id)?.asks;
}

describe('the inbox', () => {
  it('has the open questions of a task alone, with whom they are for and when they are over', async () => {
    const [id, project] = [taskId('m'), 'inbox-1' as ProjectName];
    const state = { id, project, state: 'waiting' } as const;
    await ledger.record(view({ ...state, waitingFor: waiting({ open: 3 }), sequence: 3 }), [
      asked(1, { for: 'ada' }),
      asked(2, { version: 2, text: 'x'.repeat(10_000), default: 'no', expiresAt: at(50) }),
      asked(3, { version: 3, text: 'And why?' }),
    ]);
    const { body: _body, items: _items, ...first } = askAt(1, { for: 'ada' });
    expect(await openOf(id, project)).toEqual([
      first,
      { ...first, version: 2, text: 'x'.repeat(4_000), default: 'no', for: null, since: at(2), expiresAt: at(50) },
      { ...first, version: 3, text: 'And why?', for: null, since: at(3) },
    ]);

    await ledger.record(view({ ...state, waitingFor: waiting({ version: 2, open: 2 }), sequence: 5 }), [
      event(4, { kind: 'answered', version: 1, text: 'yes', actor: 'ada' }),
      event(5, { kind: 'escalated', version: 3, to: 'grace' }),
    ]);
    expect(await openOf(id, project)).toMatchObject([
      { version: 2, for: null },
      { version: 3, for: 'grace' },
    ]);
  });

  it('has none that a cancel or a lost record left without a reply', async () => {
    const [id, project] = [taskId('n'), 'inbox-2' as ProjectName];
    const state = { id, project, state: 'waiting' } as const;
    await ledger.record(view({ ...state, waitingFor: waiting(), sequence: 1 }), [asked(1)]);
    const proposal = waiting({ kind: 'proposal', proposal: 'plan', version: 2 });
    await ledger.record(view({ ...state, waitingFor: proposal, sequence: 3 }), [
      asked(3, { version: 2, kind: 'plan' }),
    ]);
    expect(await openOf(id, project)).toMatchObject([{ version: 2, kind: 'plan' }]);
    await ledger.record(view({ ...state, waitingFor: waiting({ kind: 'attempts', version: null }), sequence: 4 }), []);
    expect(await openOf(id, project)).toEqual([]);
    await ledger.record(view({ id, project, state: 'canceled', sequence: 5 }), []);
    expect(await openOf(id, project)).toBeUndefined();
  });
});

describe('lists of tasks that others proposed', () => {
  it('are told apart by type and by parent', async () => {
    const project = 'types' as ProjectName;
    const [parent, question, child] = [taskId('p1'), taskId('p2'), taskId('p3')];
    await ledger.record(view({ id: parent, project, createdAt: at(1) }), []);
    await ledger.record(view({ id: question, project, type: 'question', createdAt: at(2) }), []);
    await ledger.record(view({ id: child, project, type: 'proposal', parent, createdAt: at(3) }), []);
    const filter = { project, states: [], limit: 10 };
    const list = async (more: object): Promise<readonly TaskId[]> =>
      (await ledger.listTasks({ ...filter, ...more })).map(({ id }) => id);
    expect(await list({})).toEqual([child, question, parent]);
    expect(await list({ types: ['question', 'proposal'] })).toEqual([child, question]);
    expect(await list({ types: ['task'] })).toEqual([parent]);
    expect(await list({ parent })).toEqual([child]);
    expect(await list({ parent: null })).toHaveLength(3);
  });
});
