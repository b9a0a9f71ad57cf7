import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, projectFile } from '../support/scripted-agent.ts';

const SECRET = 'of-the-worker-alone';

/** Left by one phase where the next one, another task and the machine could find it. */
const LEAVES =
  'echo "left by $TASKS_TASK_ID" > "$HOME/left"; echo x > /tmp/left; echo x > /dev/shm/left; echo x > "$TASKS_TASK_DIR/left"';
const LOOKS =
  'echo "home: $(cat "$HOME/left" 2>&1)"; echo "tmp: $(ls -A /tmp /dev/shm | grep left)"; echo "task: $(cat "$TASKS_TASK_DIR/left" 2>&1)"';

describe('the HOME of a task', () => {
  let engine: Engine;
  beforeAll(async () => {
    process.env['HOME_TEST_SECRET'] = SECRET;
    engine = await Engine.start({ sharesHome: false });
  });
  afterAll(async () => {
    delete process.env['HOME_TEST_SECRET'];
    await engine.stop();
  });

  it('is kept across its phases, its temporary files are not, and no other task and nobody’s environment is seen', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile(),
      'gate.sh': 'true\n',
      'agent.sh': agentScript(
        { understand: LEAVES, plan: LOOKS, execute: 'env; echo "$TASKS_TASK_ID" > work' },
        `[ "$TASKS_PHASE" != understand ] || { ${LOOKS}; }`,
      ),
    });
    const logOf = async (title: string): Promise<string> => {
      const id = await engine.submit(project, { title });
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
      return eventually('its log', async () => {
        const text = (await engine.ledger.readLogs(id, null, 1_000)).map((chunk) => chunk.text).join('');
        return text.includes('TASKS_TASK_ID=') ? text.replaceAll(id, 'ID') : null;
      });
    };
    for (const log of [await logOf('One'), await logOf('Two')]) {
      const [first = '', second = ''] = [...log.matchAll(/^home: .*\ntmp: .*\ntask: .*$/gm)].map(([text]) => text);
      // Neither is there what the task before has left.
      expect(first).toMatch(/^home: cat: .*No such file.*\ntmp: \ntask: cat: .*No such file/);
      expect(second).toBe('home: left by ID\ntmp: \ntask: x');
      expect(log).not.toContain(SECRET);
      const names = [...log.matchAll(/^([A-Za-z_]\w*)=/gm)].map(([, name]) => name);
      expect(names).toEqual(expect.arrayContaining(['HOME', 'PATH', 'TASKS_TASK_ID']));
      const unknown = names.filter((name) => name !== undefined && name in process.env && !KNOWN.has(name));
      expect(unknown).toEqual([]);
      expect(log).not.toContain(`HOME=${process.env['HOME']}\n`);
    }
    for (const folder of ['/tmp', '/dev/shm']) expect(readdirSync(folder)).not.toContain('left');
    expect(existsSync(join(process.env['HOME'] ?? '/nonexistent', 'left'))).toBe(false);
  });

  it('is open again for the next phase, as are its task folder and its worktree, when an agent has closed them', async () => {
    const closes = 'trap \'chmod 0 "$TASKS_TASK_DIR" "$HOME" .\' EXIT';
    const project = await SampleProject.create({
      'tasks.yaml': projectFile().replace('project: sample', 'project: closing'),
      'gate.sh': 'true\n',
      'agent.sh': agentScript({ understand: closes, plan: closes, execute: `${closes}; echo done > work` }),
    });
    const id = await engine.submit(project, { title: 'Close the door' });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect((await engine.ledger.readTask(id))?.attempt).toBe(3);
  });

  it('has its folder for products, whatever the phase before has put in its place', async () => {
    const inTheWay = 'rmdir "$TASKS_TASK_DIR/outputs"; echo x > "$TASKS_TASK_DIR/outputs"';
    const project = await SampleProject.create({
      'tasks.yaml': projectFile().replace('project: sample', 'project: products'),
      'gate.sh': 'true\n',
      'agent.sh': agentScript({ understand: inTheWay, plan: inTheWay, execute: 'echo done > work' }),
    });
    const id = await engine.submit(project, { title: 'Leave no folder' });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect((await engine.ledger.readTask(id))?.attempt).toBe(3);
  });
});

/** Of the worker's variables those that every process may have. */
const KNOWN = new Set(['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TERM', 'PWD', 'OLDPWD', 'SHLVL', '_', 'HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'NO_PROXY', 'no_proxy', 'ALL_PROXY', 'all_proxy', 'NODE_USE_ENV_PROXY']); // prettier-ignore
