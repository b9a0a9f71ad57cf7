import { describe, expect, it } from '@jest/globals';
import { runCommands } from '../../src/activities/gate-commands.ts';
import type { GateCommand } from '../../src/core/project.ts';
import type { GateVerdict } from '../../src/core/queue-types.ts';

const RED: GateVerdict = { kind: 'red', failedCommand: 'x', text: 'x is red', logTail: '', landedSince: [] };
const command = (name: string, change: Partial<GateCommand> = {}): GateCommand => {
  return { name, run: name, timeoutMs: 1, ...change };
};

/** Runs commands of which some are red; what ran, as it began and ended. */
async function run(commands: readonly GateCommand[], red: readonly string[] = []) {
  const log: string[] = [];
  const end = await runCommands(commands, new AbortController().signal, async ({ name }, signal) => {
    log.push(`+${name}`);
    await Promise.resolve();
    if (signal.aborted) return { kind: 'none', reason: 'stopped' };
    log.push(`-${name}`);
    return red.includes(name) ? { ...RED, failedCommand: name, text: `${name} is red` } : null;
  });
  return { log: log.join(' '), ...end };
}

/** Each ends as it is told to; one that is not told ends when it is stopped. */
const runAs = (
  ends: Readonly<Record<string, GateVerdict>>,
  commands: readonly GateCommand[],
  signal = new AbortController().signal,
) =>
  runCommands(commands, signal, async ({ name }, until) => {
    const end = ends[name];
    if (end !== undefined) return end;
    if (!until.aborted) await new Promise((resolve) => until.addEventListener('abort', resolve));
    return { kind: 'none', reason: 'stopped' };
  });

describe('the commands of a gate', () => {
  it('run in their order, and the first that is red ends it', async () => {
    expect(await run([command('a'), command('b'), command('c')], ['b'])).toMatchObject({
      log: '+a -a +b -b',
      verdict: { kind: 'red', failedCommand: 'b' },
    });
    expect((await run([command('a'), command('b')])).verdict).toEqual({ kind: 'green' });
  });

  it('run side by side as soon as one says what it needs, wherever that stands', async () => {
    const commands = [command('c', { needs: ['a'] }), command('a'), command('b', { needs: [] })];
    const { log, verdict } = await run(commands);
    expect(log).toBe('+a +b -a -b +c -c');
    expect(verdict).toEqual({ kind: 'green' });
  });

  it('end the others side by side when one is red, which is the one that counts', async () => {
    const { log, verdict } = await run(
      [command('a'), command('b', { needs: [] }), command('c', { needs: ['a'] })],
      ['a'],
    );
    expect(verdict).toMatchObject({ kind: 'red', failedCommand: 'a' });
    expect(log).not.toContain('+c');
  });

  it('have all ended side by side before one that could not be run is told', async () => {
    const log: string[] = [];
    const running = runCommands(
      [command('broken'), command('long', { needs: [] }), command('behind', { needs: ['broken'] })],
      new AbortController().signal,
      async ({ name }, signal) => {
        log.push(`+${name}`);
        if (name === 'broken') throw new Error('no log could be made');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await new Promise(setImmediate);
        log.push(`-${name}`);
        return { kind: 'none', reason: 'stopped' };
      },
    );
    await expect(running).rejects.toThrow('no log could be made');
    expect(log).toEqual(['+broken', '+long', '-long']);
  });

  it('that are permissive are noted and stop nothing, and those to be skipped are not run', async () => {
    const commands = [command('lint', { mode: 'permissive' }), command('slow', { mode: 'skip' }), command('test')];
    expect(await run(commands, ['lint'])).toEqual({
      log: '+lint -lint +test -test',
      verdict: { kind: 'green' },
      noted: ['lint is red'],
    });
  });

  const LOST: GateVerdict = { kind: 'none', reason: 'it was killed' };

  it('count by the first one side by side, not by those that it has ended', async () => {
    const { verdict } = await runAs({ a: RED }, [command('b', { needs: [] }), command('a'), command('c')]);
    expect(verdict).toEqual(RED);
  });

  it('end side by side when the run is stopped, without a verdict', async () => {
    const stop = new AbortController();
    const running = runAs({}, [command('a', { needs: [] }), command('b')], stop.signal);
    stop.abort();
    expect(await running).toEqual({ verdict: { kind: 'none', reason: 'stopped' }, noted: [] });
  });

  it.each([
    ['in their order', {}],
    ['side by side', { needs: [] }],
  ])('give no verdict where a permissive one had none, %s', async (_how, change) => {
    const commands = [command('lint', { mode: 'permissive', ...change })];
    expect(await runAs({ lint: LOST }, commands)).toEqual({ verdict: LOST, noted: [] });
  });
});
