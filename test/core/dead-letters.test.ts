import { describe, expect, it } from '@jest/globals';
import { ALL_FAILED, deadLetterOf, isRetried, parseRetryFilter } from '../../src/core/dead-letters.ts';
import { viewOf } from '../../src/core/task-view.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import { failureOf, messageOf, SPEC, taskIn, valueOf } from './rig.ts';

const parked = viewOf(taskIn('parked'), SPEC);
const asking = viewOf(taskIn('asking'), SPEC);
const canceled = viewOf(taskIn('ended'), SPEC);
const failed: TaskView = { ...canceled, state: 'failed', failure: failureOf('setup-failed') };

describe('a dead letter', () => {
  it('is what waits after its last attempt or revision, and what ended as failed', () => {
    expect([parked, failed].map(deadLetterOf)).toEqual(['waits', 'ended']);
    expect([asking, canceled, viewOf(taskIn('backoff'), SPEC)].map(deadLetterOf)).toEqual([null, null, null]);
  });
});

const fits = (text: string): boolean[] =>
  [parked, failed, canceled].map((view) => isRetried(view, valueOf(parseRetryFilter(text))));

describe('which tasks are retried', () => {
  it('is all that failed when nothing else is said, and nothing else', () => {
    const fitting = [parked, failed, asking, canceled].filter((view) => isRetried(view, ALL_FAILED));
    expect(fitting).toEqual([parked, failed]);
    expect(valueOf(parseRetryFilter('project=demo')).states).toEqual(ALL_FAILED.states);
  });

  it('is what fits every key, and one of the states', () => {
    expect(fits('project=demo, state=failed, state=canceled')).toEqual([false, true, true]);
    expect(fits('failure=setup-failed')).toEqual([false, true, false]);
    expect(fits('phase=understand,state=waiting')).toEqual([true, false, false]);
    expect(fits('agent=scripted')).toEqual([true, true, false]);
    expect(fits('agent=scripted,project=other')).toEqual([false, false, false]);
    // A task that asks waits too, and has not failed.
    expect(isRetried(asking, valueOf(parseRetryFilter('state=waiting')))).toBe(false);
  });

  it.each([
    ['', /is no key=value/],
    ['project', /"project" is no key=value/],
    ['project=', /is no key=value/],
    ['project=No Name', /project/],
    ['state=landed', /cannot be retried; give one of waiting, failed, rejected, canceled/],
    ['phase=deploy', /is none; give one of understand/],
    ['colour=red', /"colour" is no key; give some of project/],
    ['agent=a,agent=b', /agent is given twice/],
  ])('is refused when it is said as %j', (text, reason) => {
    expect(messageOf(parseRetryFilter(text))).toMatch(reason);
  });
});
