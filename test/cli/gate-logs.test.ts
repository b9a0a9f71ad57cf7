/** `tasks logs` of a task whose gate ran more than once. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { cli, cliEnvironment } from './rig.ts';

describe('the output of several gate runs', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start();
  });

  afterAll(async () => {
    await engine.stop();
  });

  it('is told apart: which run, when it began, and how it ended', async () => {
    const flag = join(engine.home, 'again');
    const flaky = `test -e '${flag}' || { touch '${flag}'; printf 'it flaked'; exit 1; }; echo fine`;
    const text = `project: flaky\nbranch: main\ngate:\n  - {name: flaky, run: "sh gate.sh"}\n  - {name: silent, run: "true"}\nagent: {command: [sh, -c, "true"]}\n`;
    const project = await SampleProject.create({ 'tasks.yaml': text, 'gate.sh': `${flaky}\n` }, 'bare');
    await project.git('fetch', '--quiet', 'origin');
    const place = { cwd: project.clone, env: cliEnvironment(engine.home, engine.servers) };
    const submitted = await cli(place, ['submit', 'Flaky', '--run', 'echo x > x', '--wait', '--json']);
    expect(submitted.code).toBe(0);
    const [made] = submitted.json<{ id: string }>();
    const logs = (...more: string[]) => cli(place, ['logs', String(made?.id), ...more]);
    const shown = await eventually('the last line of the last run', async () => {
      const { stdout } = await logs();
      return stdout.match(/── green/g)?.length === 2 ? stdout : null;
    });
    const when = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
    const after = String.raw`after \d+\.\d s`;
    const block = (name: string, run: number, body: string) =>
      `── attempt 1 · gate:${name} · run ${run}, ${when}\n${body}`;
    const whole = [
      block('flaky', 1, `it flaked\n── red, ${after}: flaky \\(sh gate\\.sh\\) exited with 1\n`),
      block('flaky', 2, `fine\n── green, ${after}\n`),
      block('silent', 1, `── green, ${after}\n`),
    ];
    expect(shown).toMatch(new RegExp(`${whole.join('')}$`));
    const chunks = (await logs('--json')).json<{ stream: string; run: number }>();
    expect(await logs('--attempt', '9')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: `tasks: --attempt: ${made?.id} has had no attempt 9; its last one is 1\n`,
    });
    expect(new Set(chunks.filter(({ stream }) => stream === 'gate:flaky').map(({ run }) => run)).size).toBe(2);
  });

  it('has one heading where an earlier version did not number its runs', async () => {
    const id = '3fa0000000' as TaskId;
    const part = { taskId: id, attempt: 1, stream: 'gate:test' };
    await engine.ledger.appendLogs([
      { ...part, offset: 0, text: 'one\n', at: '2026-01-02T03:04:05.000Z' },
      { ...part, offset: 4, text: 'two\n', at: '2026-01-02T03:04:06.000Z' },
    ]);
    const place = { cwd: engine.home, env: cliEnvironment(engine.home, engine.servers) };
    expect((await cli(place, ['logs', id])).stdout).toBe(
      '── attempt 1 · gate:test · run 1, 2026-01-02T03:04:05Z\none\ntwo\n',
    );
  });
});
