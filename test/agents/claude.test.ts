import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { adapterFor } from '../../src/agents/adapters.ts';
import type { AgentReading, LineReader } from '../../src/agents/types.ts';

const SESSION = '3f1c8e54-9a3e-4f0a-8a53-0d6a3b1f2c11';

function newReader(): LineReader {
  return adapterFor({ kind: 'claude', model: null, args: [] }).reader();
}

function endAfter(...lines: readonly string[]): AgentReading['end'] {
  const reader = newReader();
  for (const line of lines) reader.read(line);
  return reader.reading.end;
}

function readFixture(name: string): AgentReading {
  const reader = newReader();
  const text = readFileSync(join(import.meta.dirname, 'fixtures', `claude-${name}.jsonl`), 'utf8');
  for (const line of text.split('\n')) reader.read(line);
  return reader.reading;
}

describe('reading Claude Code', () => {
  it('takes session, usage, cost and the final text', () => {
    expect(readFixture('success')).toEqual({
      session: SESSION,
      usage: { inputTokens: 21_412, outputTokens: 745, costUsd: 0.0842 },
      end: {
        kind: 'done',
        text: '# Plan\n\nAdd the flag in src/list.ts and test it.\n\n1. Parse the option.\n2. Print JSON.',
      },
    });
  });

  it('knows the session before the end, and no end before it came', () => {
    const reader = newReader();
    reader.read(`{"type":"system","subtype":"init","session_id":"${SESSION}"}`);
    expect(reader.reading).toEqual({ session: SESSION, usage: null, end: null });
  });

  it.each([['an option', '--settings=x'], ['nothing', ''], ['more than a command can have', 'x'.repeat(200_000)]])(
    'takes %s for no session',
    (_what, named) => {
      const reader = newReader();
      reader.read(`{"type":"system","subtype":"init","session_id":"${SESSION}"}`);
      reader.read(`{"type":"system","subtype":"init","session_id":"${named}"}`);
      expect(reader.reading.session).toBe(SESSION);
    },
  ); // prettier-ignore

  it.each([
    ['max-turns', 'agent-failed', /used up its turns/],
    ['error-during-execution', 'agent-failed', /error_during_execution\): Tool runner crashed/],
    ['usage-limit', 'agent-limited', /usage limit/],
    ['hit-your-limit', 'agent-limited', /resets 11am/],
    ['rate-limit-event', 'agent-limited', /limit of the account/],
    ['not-signed-in', 'agent-not-signed-in', /Please run \/login/],
    ['no-credit', 'agent-exhausted', /used up what it may spend: Credit balance is too low/],
    ['max-budget', 'agent-exhausted', /used up what it may spend: .*budget/],
  ])('takes %s for %s', (name, kind, message) => {
    const { end } = readFixture(name);
    expect(end?.kind === 'failed' && end.failure.kind).toBe(kind);
    expect(end?.kind === 'failed' && end.failure.message).toMatch(message);
  });

  it.each([['usage-limit'], ['rate-limit-event']])('knows when the limit of %s resets', (name) => {
    const { end } = readFixture(name);
    expect(end?.kind === 'failed' && end.failure.resetsAtMs).toBe(1_762_952_400_000);
  });

  it('keeps the reset that was announced when the result names the limit without it', () => {
    const reader = newReader();
    reader.read('{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1762952400}}');
    reader.read(
      '{"type":"assistant","error":"rate_limit","message":{"content":[{"type":"text","text":"You have hit your limit"}]}}',
    );
    reader.read('{"type":"result","subtype":"success","is_error":true,"result":"You have hit your limit"}');
    const { end } = reader.reading;
    expect(end?.kind === 'failed' && end.failure).toMatchObject({
      kind: 'agent-limited',
      resetsAtMs: 1_762_952_400_000,
    });
  });

  describe('that was refused for a limit and went on', () => {
    const REFUSED = '{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1762952400}}';
    const WORK = [
      '{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Read","input":{}}]}}',
      '{"type":"assistant","message":{"content":[{"type":"text","text":"I go on."}]}}',
    ];
    it.each(WORK)('has failed by what its result says: %s', (work) => {
      const end = endAfter(REFUSED, work, '{"type":"result","subtype":"error_max_turns","is_error":true}');
      expect(end).toMatchObject({ kind: 'failed', failure: { kind: 'agent-failed' } });
    });

    it.each(WORK)('has no end without a result: %s', (work) => {
      expect(endAfter(REFUSED, work)).toBeNull();
      expect(endAfter('a wrapper: rate limit reached', work)).toBeNull();
    });

    it('is limited when it is refused again, until the reset that was announced', () => {
      const again = '{"type":"result","subtype":"success","is_error":true,"result":"You have hit your limit"}';
      expect(endAfter(REFUSED, ...WORK, again)).toMatchObject({
        kind: 'failed',
        failure: { kind: 'agent-limited', resetsAtMs: 1_762_952_400_000 },
      });
    });

    it('is limited where it only says so, by a message that is none of its work', () => {
      const said = '{"type":"assistant","message":{"content":[{"type":"text","text":"You have hit your limit"}]}}';
      const thought = '{"type":"assistant","message":{"content":[{"type":"thinking","thinking":"So."}]}}';
      for (const line of [said, thought]) {
        expect(endAfter(REFUSED, line)).toMatchObject({ kind: 'failed', failure: { kind: 'agent-limited' } });
      }
    });
  });

  it('takes a warning of a limit for none, also where no result came', () => {
    const reader = newReader();
    reader.read('{"type":"rate_limit_event","rate_limit_info":{"status":"allowed_warning","resetsAt":1762952400}}');
    expect(reader.reading.end).toBeNull();
  });

  it('keeps its session where a result that is none of an error speaks of one that is gone', () => {
    const reader = newReader();
    reader.read(
      `{"type":"result","subtype":"success","session_id":"${SESSION}","result":"No conversation found with session ID is what it prints."}`,
    );
    expect(reader.reading).toMatchObject({ session: SESSION, end: { kind: 'done' } });
  });

  it('says how to sign in', () => {
    const { end } = readFixture('not-signed-in');
    expect(end?.kind === 'failed' && end.failure.next).toMatch(/running claude .*grant: \[claude\].*host\.yaml/);
  });

  it('goes on past a warning of a limit', () => {
    expect(readFixture('rate-limit-warning').end).toEqual({ kind: 'done', text: 'Done.' });
  });

  it('keeps the id of a resumed session, and takes the last message where the result has no text', () => {
    const reader = adapterFor({ kind: 'claude', model: null, args: [] }).reader('s-1');
    reader.read(`{"type":"system","subtype":"init","session_id":"${SESSION}"}`);
    reader.read('{"type":"assistant","message":{"content":[{"type":"text","text":"The plan."}]}}');
    reader.read('{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Read","input":{}}]}}');
    reader.read(`{"type":"result","subtype":"success","is_error":false,"session_id":"${SESSION}"}`);
    expect(reader.reading).toMatchObject({ session: 's-1', end: { kind: 'done', text: 'The plan.' } });
  });

  it('empties the session when it is not on this host', () => {
    expect(readFixture('session-gone')).toMatchObject({ session: '', end: { kind: 'failed' } });
  });

  it('does not take an answer about limits for a limit', () => {
    const reader = newReader();
    reader.read(
      '{"type":"result","subtype":"success","is_error":false,"result":"Please run /login is now shown when the rate limit reached."}',
    );
    expect(reader.reading.end?.kind).toBe('done');
  });

  it.each([
    '',
    'null',
    '[]',
    '"x"',
    '{',
    '{"type":7}',
    '{"type":"result"',
    '{"type":"assistant","message":null,"error":"rate_limit"',
    '\u001b[?1004l',
  ])('passes over %j', (line) => {
    const reader = newReader();
    reader.read(line);
    expect(reader.reading).toEqual({ session: null, usage: null, end: null });
  });

  it('reads an object behind escape sequences', () => {
    const reader = newReader();
    reader.read('\u001b[?1004l{"type":"result","subtype":"success","is_error":false,"result":"ok"}');
    expect(reader.reading.end).toEqual({ kind: 'done', text: 'ok' });
  });

  it('counts whole tokens, and no more than can be counted', () => {
    const reader = newReader();
    reader.read(
      '{"type":"result","subtype":"success","result":"ok","usage":{"input_tokens":1.5,"cache_read_input_tokens":1e300,"output_tokens":1e300},"total_cost_usd":1e300}',
    );
    const most = Number.MAX_SAFE_INTEGER;
    expect(reader.reading.usage).toEqual({ inputTokens: most, outputTokens: most, costUsd: most });
    reader.read(
      '{"type":"result","subtype":"success","result":"ok","usage":{"input_tokens":1.5},"total_cost_usd":0.5}',
    );
    expect(reader.reading.usage).toEqual({ inputTokens: 1, outputTokens: 0, costUsd: 0.5 });
  });

  it('counts nothing for usage of the wrong kind', () => {
    const reader = newReader();
    reader.read(
      '{"type":"result","subtype":"success","result":"ok","usage":{"input_tokens":"9","output_tokens":-1},"total_cost_usd":null}',
    );
    expect(reader.reading.usage).toEqual({ inputTokens: 0, outputTokens: 0, costUsd: 0 });
  });
});
