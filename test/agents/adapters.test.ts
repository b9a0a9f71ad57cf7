import { describe, expect, it } from '@jest/globals';

import { adapterFor, checkPlaceholders, shellCommand } from '../../src/agents/adapters.ts';
import type { AgentCommand } from '../../src/agents/types.ts';
import type { AgentDefinition } from '../../src/core/project.ts';
import type { Phase } from '../../src/core/task-types.ts';
import { FILES } from './facts.ts';

const CLAUDE: AgentDefinition = { kind: 'claude', model: null, args: [] };

function commandAgent(...command: string[]): AgentDefinition {
  return { kind: 'command', command, phases: ['execute'] };
}

function argvOf(
  definition: AgentDefinition,
  phase: Phase,
  session: string | null,
  confined = false,
): readonly string[] {
  return adapterFor(definition).command(definition, { ...FILES, phase }, session, confined).argv;
}

function claudeIn(confined: boolean): AgentCommand {
  return adapterFor(CLAUDE).command(CLAUDE, FILES, null, confined);
}

function modeOf(argv: readonly string[]): string | undefined {
  return argv[argv.indexOf('--permission-mode') + 1];
}

describe('the command adapter', () => {
  it('fills every placeholder in, wherever it stands in an argument', () => {
    const definition = commandAgent(
      'my-agent',
      '--prompt={prompt_file}',
      '{task_dir}:{worktree}',
      '{branch}',
      '{task_id}/{phase}',
      '{report_file}',
    );
    expect(adapterFor(definition).command(definition, FILES, null, false).argv).toEqual([
      'my-agent',
      '--prompt=/h/task/prompt.md',
      '/h/task:/h/worktree',
      'tasks/abc',
      '0123456789/execute',
      '/h/task/report.json',
    ]);
  });

  it('does not look again at what a value holds', () => {
    const definition = commandAgent('a', '{branch}');
    const files = { ...FILES, branch: '{task_dir} $& $1' };
    expect(adapterFor(definition).command(definition, files, null, false).argv[1]).toBe('{task_dir} $& $1');
  });

  it('tells the same by the environment', () => {
    const definition = commandAgent('a');
    expect(adapterFor(definition).command(definition, FILES, null, false).env).toEqual({
      TASKS_PROMPT_FILE: '/h/task/prompt.md',
      TASKS_TASK_DIR: '/h/task',
      TASKS_WORKTREE: '/h/worktree',
      TASKS_BRANCH: 'tasks/abc',
      TASKS_TASK_ID: '0123456789',
      TASKS_PHASE: 'execute',
      TASKS_REPORT_FILE: '/h/task/report.json',
      TASKS_ATTEMPT: '3',
    });
  });

  it('reads nothing into the output and has no terminal event', () => {
    const adapter = adapterFor(commandAgent('a'));
    const reader = adapter.reader();
    reader.read('{"type":"result","subtype":"success"}');
    expect(adapter.hasTerminalEvent).toBe(false);
    expect(reader.reading).toEqual({ session: null, usage: null, end: null });
  });
});

describe('placeholders', () => {
  it('takes known ones, JSON and variables of a shell', () => {
    const command = ['sh', '-c', 'echo ${HOME} {"a":1} {} {phase}'];
    expect(checkPlaceholders(command)).toEqual({ kind: 'ok', value: command });
  });

  it('leaves a shell variable that is named as a placeholder alone', () => {
    const definition = commandAgent('sh', '-c', 'echo ${phase}');
    expect(adapterFor(definition).command(definition, FILES, null, false).argv[2]).toBe('echo ${phase}');
  });

  it.each(['{promptfile}', '{constructor}', '{__proto__}'])('refuses %s and names the known ones', (placeholder) => {
    const checked = checkPlaceholders(['a', `--x=${placeholder}`]);
    expect(checked.kind === 'invalid' && checked.message).toBe(
      `command: "${placeholder}" is no placeholder; use one of {prompt_file} {task_dir} {worktree} {branch} {task_id} {phase} {report_file}`,
    );
  });
});

describe('the command of a shell task', () => {
  it('goes to the shell as it is', () => {
    expect(shellCommand('echo "{phase}" | cat', FILES)).toMatchObject({
      argv: ['/bin/sh', '-c', 'echo "{phase}" | cat'],
      env: { TASKS_PHASE: 'execute' },
    });
  });
});

describe('the command of Claude Code', () => {
  it.each([
    ['understand', 'default', 'default'],
    ['plan', 'default', 'default'],
    ['execute', 'acceptEdits', 'bypassPermissions'],
    ['revise', 'acceptEdits', 'bypassPermissions'],
  ] as const)('runs %s in permission mode %s, and in a sandbox %s', (phase, open, confined) => {
    expect(modeOf(argvOf(CLAUDE, phase, null))).toBe(open);
    expect(modeOf(argvOf(CLAUDE, phase, null, true))).toBe(confined);
  });

  it('lets it write the task folder alone where a phase only reads', () => {
    for (const confined of [true, false]) {
      expect(argvOf(CLAUDE, 'plan', null, confined).join(' ')).toContain(' --allowedTools Edit(//h/task/**) --');
      expect(argvOf(CLAUDE, 'execute', null, confined)).not.toContain('--allowedTools');
    }
  });

  it.each(['understand', 'plan', 'execute', 'revise'] as const)(
    'has no tool in %s that waits for a person',
    (phase) => {
      const argv = argvOf(CLAUDE, phase, null, true);
      expect(argv[argv.indexOf('--disallowedTools') + 1]).toBe('AskUserQuestion,EnterPlanMode');
    },
  );

  it('says that there is a sandbox where there is one', () => {
    expect(claudeIn(true).env).toMatchObject({ IS_SANDBOX: '1' });
    expect(claudeIn(false).env).not.toHaveProperty('IS_SANDBOX');
  });

  it('leaves the last word on the permission mode to the definition', () => {
    const definition: AgentDefinition = { kind: 'claude', model: null, args: ['--permission-mode', 'acceptEdits'] };
    expect(argvOf(definition, 'execute', null, true).join(' ')).toMatch(
      / --permission-mode bypassPermissions .* --permission-mode acceptEdits --add-dir/,
    );
  });

  it('asks for one JSON object a line and points to the prompt file', () => {
    const argv = argvOf(CLAUDE, 'plan', null);
    expect(argv.slice(0, 6)).toEqual([
      'claude',
      '-p',
      'Read the file /h/task/prompt.md first and do exactly what it says.',
      '--output-format',
      'stream-json',
      '--verbose',
    ]);
    expect(argv.slice(-2)).toEqual(['--add-dir', '/h/task']);
  });

  it('begins a session under a UUID that the attempt gives, and resumes a known one', () => {
    const first = argvOf(CLAUDE, 'plan', null);
    const id = first[first.indexOf('--session-id') + 1];
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(argvOf(CLAUDE, 'plan', null)).toEqual(first);
    expect(argvOf(CLAUDE, 'plan', '')).toEqual(first);
    expect(first).not.toContain('--resume');
    const resumed = argvOf(CLAUDE, 'execute', 's-1');
    expect(resumed[resumed.indexOf('--resume') + 1]).toBe('s-1');
    expect(resumed).not.toContain('--session-id');
  });

  it('hands the model and further arguments on', () => {
    const definition: AgentDefinition = { kind: 'claude', model: 'opus', args: ['--max-turns', '50'] };
    expect(argvOf(definition, 'plan', 's').join(' ')).toMatch(/ --model opus --max-turns 50 --add-dir \/h\/task$/);
  });
});
