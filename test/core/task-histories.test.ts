import { describe, expect, it } from '@jest/globals';
import { STAGE_GATES, type Patience } from '../../src/core/ask-types.ts';
import { FAILURE_KINDS, classOf } from '../../src/core/failure.ts';
import { judgeReply, REPLIES } from '../../src/core/replies.ts';
import {
  confirmMade,
  dueAtMs,
  newTask,
  nextTask,
  noteRefusal,
  type Task,
  type TaskInputEvent,
} from '../../src/core/task.ts';
import type { AttemptOutcome, TaskSpec } from '../../src/core/task-types.ts';
import { viewOf } from '../../src/core/task-view.ts';
import {
  around,
  asked,
  attemptEnded,
  checkpointOf,
  done,
  failed,
  failureOf,
  forEachSeed,
  holds,
  HELD,
  LANDING,
  NOW_MS,
  proposed,
  questionOf,
  REQUEST,
  SHELL_SPEC,
  SPEC,
  taskId,
  type Dice,
} from './rig.ts';

const MINUTE = 60_000;

function maybe<T>(dice: Dice, value: T): T | null {
  return dice.roll() < 0.5 ? value : null;
}

function patience(dice: Dice): Patience {
  return {
    remindMs: maybe(dice, MINUTE),
    escalate: maybe(dice, { afterMs: 3 * MINUTE, to: 'lead' }),
    expire: maybe(dice, { afterMs: 9 * MINUTE, outcome: dice.pick(['default', 'give-up'] as const) }),
  };
}

function specOf(dice: Dice): TaskSpec {
  const approve = STAGE_GATES.filter(() => dice.roll() < 0.5);
  const type = dice.pick(['task', 'task', 'task', 'proposal', 'question'] as const);
  const spec = dice.roll() < 0.2 ? SHELL_SPEC : SPEC;
  return { ...spec, type, policy: { ...spec.policy, approve, patience: patience(dice) } };
}

function outcome(dice: Dice, attempt: number): AttemptOutcome {
  const kind = FAILURE_KINDS[dice.below(FAILURE_KINDS.length)] ?? 'agent-failed';
  const checkpoint = dice.roll() < 0.8 ? checkpointOf(attempt, dice.roll() < 0.9) : null;
  const ends = dice.roll() < 0.1 || classOf(kind) === 'retryable' || classOf(kind) === 'lost';
  const question = questionOf({ default: maybe(dice, 'both'), patience: dice.roll() < 0.5 ? {} : patience(dice) });
  const items = [
    { title: 'Sort', body: '' },
    { title: 'Tidy', body: '' },
  ];
  const proposal = dice.pick(['plan', 'patch', 'effect', 'message', 'tasks'] as const);
  return dice.pick<AttemptOutcome>([
    done({ checkpoint }),
    done({ checkpoint, document: 'as it is' }),
    { ...asked({}, { checkpoint }), kind: 'question', questions: [question, question].slice(dice.below(2)) },
    proposed({ kind: proposal, items: proposal === 'tasks' ? items : [] }, { checkpoint }),
    ends ? failed(kind) : done({ checkpoint }),
  ]);
}

/** What people send: of the open version, of another one, or of none. */
function payload(dice: Dice, task: Task): unknown {
  const version = dice.pick([undefined, task.asks, task.asks, 1 + dice.below(task.asks + 2)]);
  const items = dice.pick([undefined, [{}, { drop: true }]]);
  return { text: 'so be it', title: 'Other', actor: dice.pick(['ada', 'grace']), version, items };
}

function event(dice: Dice, task: Task): TaskInputEvent {
  const attempt = dice.roll() < 0.8 ? task.attempt : dice.below(task.attempt + 3);
  const version = 1 + dice.below(task.asks + 1);
  const by = taskId(2 + dice.below(2));
  return dice.pick<TaskInputEvent>([
    attemptEnded(attempt, outcome(dice, attempt)),
    attemptEnded(attempt, outcome(dice, attempt)),
    attemptEnded(attempt, outcome(dice, attempt)),
    attemptEnded(task.attempt, failed('agent-failed')),
    { kind: 'due' },
    { kind: 'answer', version, text: 'yes', actor: 'ada' },
    { kind: 'approve', version, text: null, items: [], ids: [], actor: 'ada' },
    { kind: 'revise', version, text: 'shorter', actor: 'ada' },
    dice.roll() < 0.2 ? { kind: 'reject', version, text: 'no', actor: 'ada' } : { kind: 'due' },
    dice.roll() < 0.3 ? { kind: 'block', by, text: 'Which?' } : { kind: 'due' },
    { kind: 'release', by, text: 'yes', actor: 'ada' },
    { kind: 'retry', actor: 'ada' },
    dice.roll() < (task.stage.kind === 'landing' ? 0.4 : 0.1) ? { kind: 'cancel' } : { kind: 'due' },
    dice.roll() < 0.4 ? { kind: 'landed', landing: LANDING } : { kind: 'held', held: HELD },
    { kind: 'returned', request: task.attempt % 2 === 0 ? REQUEST : { ...REQUEST, regenerate: true } },
    dice.roll() < 0.1 ? { kind: 'refused', failure: failureOf('landing-refused') } : { kind: 'held', held: null },
    dice.roll() < 0.1 ? { kind: 'nothing-to-land' } : { kind: 'withdrawn' },
  ]);
}

function check(before: Task, after: Task): void {
  const { stage } = after;
  holds('attempts only grow', after.attempt >= before.attempt);
  holds('a change is an event', before === after || after.sequence > before.sequence);
  const fresh = after.unrecorded.filter(({ sequence }) => sequence > before.sequence);
  holds('a sequence is an event', fresh.length === after.sequence - before.sequence);
  after.unrecorded.forEach(({ sequence }, index) => {
    holds('events follow one another', sequence === after.sequence - after.unrecorded.length + 1 + index);
  });
  const begun = stage.kind === 'phase' && stage !== before.stage;
  holds('each entry into a phase is the next attempt', after.attempt === before.attempt + (begun ? 1 : 0));
  holds('the last attempt runs', stage.kind !== 'phase' || stage.attempt === after.attempt);
  holds('what lands has changes', stage.kind !== 'landing' || stage.checkpoint.changed);
  holds('an end has a time', (after.endedAtMs !== null) === (stage.kind === 'ended'));
  const handedOff = stage.kind === 'landing' && before.stage.kind !== 'landing';
  holds('nothing begins while a question blocks it', !(begun || handedOff) || after.blockers.length === 0);
  holds('what is blocked has a question', stage.kind !== 'blocked' || after.blockers.length > 0);
}

/** All that was asked, and what became of it, as the events of a whole history tell it. */
class Record {
  readonly asked = new Set<number>();
  readonly settled = new Set<number>();

  take(before: Task, after: Task): void {
    for (const { happened } of after.unrecorded.filter(({ sequence }) => sequence > before.sequence)) {
      if (happened.kind === 'asked') {
        const { version } = happened.ask;
        holds('a version never comes again', !this.asked.has(version));
        this.asked.add(version);
        holds('versions are given in their order', version === this.asked.size);
      }
    }
    for (const { version } of after.settled.filter((one) => !before.settled.includes(one))) {
      holds('what is settled was asked', this.asked.has(version));
      holds('an ask is settled at most once (N7)', !this.settled.has(version));
      this.settled.add(version);
    }
    const open = after.stage.kind === 'asking' ? after.stage.asks : [];
    holds('asking has an ask', after.stage.kind !== 'asking' || open.length > 0);
    holds(
      'what is open was asked and is not settled',
      open.every(({ version }) => this.#isOpen(version)),
    );
    holds('versions count the asks', after.asks === this.asked.size);
  }

  #isOpen(version: number): boolean {
    return this.asked.has(version) && !this.settled.has(version);
  }
}

/** A message as it comes from people: judged, and taken or refused. */
function send(dice: Dice, task: Task, record: Record, surroundings: ReturnType<typeof around>): Task {
  const name = REPLIES[dice.below(REPLIES.length)] ?? 'answer';
  const given = payload(dice, task);
  const judgement = judgeReply(name, task, given, (count) => Array.from({ length: count }, () => taskId(9)));
  if (judgement.kind === 'refuse') {
    const noted = noteRefusal(task, surroundings, { message: name, reason: judgement.reason, actor: 'ada' });
    holds('a refused message changes nothing but its note (N7)', noted.stage === task.stage);
    return noted;
  }
  const next = nextTask(task, judgement.event, surroundings);
  holds('a message that was taken has its effect', next !== task);
  if ('version' in judgement.event) {
    const { version } = judgement.event;
    holds('a reply is taken for what is open alone (N7)', record.asked.has(version) && !record.settled.has(version));
    holds('the same reply again changes nothing (N7)', nextTask(next, judgement.event, surroundings) === next);
  }
  return next;
}

describe('any history of a task', () => {
  it('numbers attempts and events one by one, settles each ask once, and changes nothing after the end', () => {
    const ends = new Set<string>();
    const kinds = new Set<string>();
    const hows = new Set<string>();
    forEachSeed((dice) => {
      const spec = specOf(dice);
      let nowMs = NOW_MS;
      let task = newTask(around({ spec, nowMs }));
      const record = new Record();
      record.take({ ...task, sequence: 0 }, task);
      for (let step = 0; step < 120; step += 1) {
        nowMs += dice.below(90_000);
        const surroundings = around({ spec, nowMs, random: dice.roll() });
        const before = task;
        const happens = event(dice, task);
        if (dice.roll() < 0.3 && task.stage.kind !== 'ended') task = send(dice, task, record, surroundings);
        else {
          task = nextTask(task, happens, surroundings);
          const isDue = happens.kind === 'due' && (dueAtMs(before) ?? nowMs + 1) <= nowMs;
          holds('what is due happens, and nothing before', happens.kind !== 'due' || isDue === (task !== before));
        }
        if (before.stage.kind === 'ended') holds('an ended task never changes', task === before);
        check(before, task);
        record.take(before, task);
        if (task.toMake.length > 0 && dice.roll() < 0.5) task = confirmMade(task, surroundings, task.toMake);
        kinds.add(task.stage.kind);
        for (const { how } of task.settled) hows.add(how);
        const view = viewOf(task, spec);
        holds(
          'what waits says for what',
          (view.state === 'waiting') === (view.waitingFor !== null) || view.state === 'landing',
        );
      }
      ends.add(task.stage.kind === 'ended' ? task.stage.end : task.stage.kind);
    });
    // The histories are of use only when they get about.
    expect([...ends]).toEqual(expect.arrayContaining(['landed', 'failed', 'canceled', 'unchanged', 'rejected']));
    expect([...kinds]).toEqual(expect.arrayContaining(['asking', 'blocked', 'parked', 'landing', 'withdrawing']));
    expect([...hows].toSorted()).toEqual(
      ['answered', 'approved', 'changes-requested', 'edited', 'expired', 'rejected', 'replaced'].toSorted(),
    );
  });
});
