import { describe, expect, it } from '@jest/globals';
import { DEFAULT_STAGE_GATES, NO_PATIENCE_LIMIT } from '../../src/core/ask-types.ts';
import { parseProjectFile, readGate } from '../../src/config/project-file.ts';
import type { ProjectSettings } from '../../src/core/project.ts';

const LEAST = 'project: my-app\nbranch: main\ngate: npm test\n';

function settingsOf(text: string): ProjectSettings {
  const parsed = parseProjectFile(text);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.value;
}

function messageOf(text: string): string {
  const parsed = parseProjectFile(text);
  if (parsed.kind === 'ok') throw new Error('was taken');
  return parsed.message;
}

/** What people have to do with a task, where a project says nothing about it. */
const ASKING = { approve: DEFAULT_STAGE_GATES, patience: NO_PATIENCE_LIMIT, notify: [] };
const TURN = { turnMs: 1_800_000, retryStallsOnce: true };

describe('a right tasks.yaml', () => {
  it('is completed with defaults', () => {
    expect(settingsOf(LEAST)).toEqual({
      project: 'my-app',
      branch: 'main',
      setup: null,
      gate: {
        setup: null,
        commands: [{ name: 'npm test', run: 'npm test', timeoutMs: 1_800_000 }],
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
      agent: 'claude',
      agents: { claude: { kind: 'claude', model: null, args: [] } },
      policy: { attempts: 3, revisions: 2, idleTimeoutMs: 900_000, totalTimeoutMs: 7_200_000, ...TURN, ...ASKING },
      window: null,
      confinement: { sandbox: 'preferred', agents: 'full', setup: 'full' },
      protected: [],
      requires: [],
      batch: false,
      verify: false,
      merges: [],
    });
  });

  it('may say how its processes are confined, for all and for an agent; the gate has it in its hash', () => {
    const more =
      'sandbox: required\nnetwork: {agents: [api.example.com, "*.corp:443"], gate: host}\nprotected: [ci/]\n';
    const settings = settingsOf(`${LEAST}${more}agents: {mine: {command: [run], sandbox: off, network: none}}\n`);
    expect(settings.confinement).toEqual({
      sandbox: 'required',
      agents: ['api.example.com', '*.corp:443'],
      setup: 'full',
    });
    expect(settings.protected).toEqual(['ci/']);
    expect(settings.agents['mine']).toMatchObject({ sandbox: 'off', network: 'none' });
    expect(settings.gate.confinement).toEqual({ sandbox: 'required', network: 'host', setup: 'full' });
    expect(settings.gate.hash).not.toBe(settingsOf(LEAST).gate.hash);
  });

  it.each([
    ['sandbox: on', 'sandbox: must be required, preferred or off'],
    ['network: host', 'network: must be a map of agents, setup, gate'],
    ['network: {gate: [http://example.com/]}', 'network.gate.0: must be the name of a host, without http:// and path'],
    ['protected: [../x]', 'protected.0: must be a path from the top of the repository'],
    ['requires: gpu', 'requires: must be a list of labels'],
    ['requires: [GPU]', 'requires: "GPU" is no label'],
    ['requires: [a, b, c, d, e, f]', 'requires: 6 labels are too many; at most 5'],
    ['protected: [/etc]', 'protected.0: must be a path from the top of the repository'],
  ])('refuses %s', (line, message) => {
    const parsed = parseProjectFile(`${LEAST}${line}\n`);
    expect(parsed.kind === 'invalid' ? parsed.message : 'taken').toContain(message);
  });

  it('requires them of the workers that run its gate, too, whose verdicts are then others', () => {
    const [plain, gpu] = [settingsOf(LEAST).gate, settingsOf(`${LEAST}requires: [linux, gpu]\n`).gate];
    expect(gpu.requires).toEqual(['gpu', 'linux']);
    expect(plain).not.toHaveProperty('requires');
    expect(gpu.hash).not.toBe(plain.hash);
  });

  it('requires labels of the workers that run its phases', () => {
    expect(settingsOf(`${LEAST}requires: [linux, gpu, linux]\n`).requires).toEqual(['gpu', 'linux']);
  });

  it('may list gates as commands and maps', () => {
    const { gate } = settingsOf(
      'project: a\nbranch: main\nsetup: npm ci\ngate: [npm run lint, {name: unit, run: npm test, timeout: 90s}]\n',
    );
    expect(gate.setup).toBe('npm ci');
    expect(gate.commands).toEqual([
      { name: 'npm run lint', run: 'npm run lint', timeoutMs: 1_800_000 },
      { name: 'unit', run: 'npm test', timeoutMs: 90_000 },
    ]);
  });

  it('names an agent that is defined in place after its program', () => {
    const { agent, agents } = settingsOf(`${LEAST}agent: {command: [/opt/bin/my-agent, "{prompt_file}"]}\n`);
    expect(agent).toBe('my-agent');
    expect(agents['my-agent']).toEqual({
      kind: 'command',
      command: ['/opt/bin/my-agent', '{prompt_file}'],
      phases: ['understand', 'plan', 'execute', 'revise'],
    });
  });

  it.each(['claude', 'shell', '--'])('does not let the program %s stand for another agent', (program) => {
    expect(settingsOf(`${LEAST}agent: {command: ["${program}"]}\n`).agent).toBe('agent');
  });

  it('has further agents by name', () => {
    const { agent, agents } = settingsOf(
      `${LEAST}agent: mine\nagents:\n  fast: {model: haiku, args: [--verbose]}\n  mine: {command: [run], phases: [execute]}\n`,
    );
    expect(agent).toBe('mine');
    expect(agents['fast']).toEqual({ kind: 'claude', model: 'haiku', args: ['--verbose'] });
    expect(agents['mine']).toEqual({ kind: 'command', command: ['run'], phases: ['execute'] });
  });

  it('has its own limits', () => {
    expect(settingsOf(`${LEAST}attempts: 1\nrevisions: 0\nidle: 1m\ntimeout: 2d\n`).policy).toEqual({
      attempts: 1,
      revisions: 0,
      idleTimeoutMs: 60_000,
      totalTimeoutMs: 172_800_000,
      ...TURN,
      ...ASKING,
    });
  });

  it('may leave optional keys empty', () => {
    expect(settingsOf(`${LEAST}setup:\nagents:\n`).setup).toBeNull();
  });
});

function hash(text: string): string {
  return settingsOf(`project: a\nbranch: main\n${text}`).gate.hash;
}

describe('what a project says of landing', () => {
  it('is a window, whether it is in batches, a turn, and per command a mode and what it needs', () => {
    const text =
      'project: a\nbranch: main\nwindow: 2\nbatch: true\nverify: true\nturn: 10m\ngate: [{name: lint, run: l, mode: permissive}, ';
    const settings = settingsOf(`${text}{name: test, run: t, needs: [lint]}]\n`);
    expect(settings).toMatchObject({ window: 2, batch: true, verify: true, policy: { turnMs: 600_000 } });
    expect(settings.gate.commands).toMatchObject([{ mode: 'permissive' }, { needs: ['lint'] }]);
    const merges = 'merges: [{paths: [CHANGELOG.md, docs/**/*.md], by: union}]\n';
    expect(settingsOf(`${LEAST}${merges}`).merges).toEqual([{ paths: ['CHANGELOG.md', 'docs/**/*.md'], by: 'union' }]);
    expect(hash(`gate: a\n${merges}`)).toBe(hash('gate: a\n'));
    const lock = { paths: ['**/package-lock.json'], by: 'regenerate', run: 'npm install --package-lock-only' };
    expect(settingsOf(`${LEAST}merges: [${JSON.stringify(lock)}]\n`).merges).toEqual([lock]);
    expect(settingsOf(`${LEAST}turn: 0s\n`)).toMatchObject({ policy: { turnMs: 0 } });
    expect(settingsOf(LEAST)).toMatchObject({ window: null, policy: { turnMs: 1_800_000 } });
  });

  it.each([
    ['gate: [{name: a, run: a, needs: [b]}]', 'gate: "a" needs "b", which is no command\'s name'],
    ['gate: [{name: a, run: a, needs: [b]}, {name: b, run: b, needs: [a]}]', 'gate: "a" needs what needs it in turn'],
    ['gate: [{run: a, mode: sometimes}]', 'gate.0.mode: must be strict, permissive or skip'],
    ['gate: a\nbatch: often', 'batch: must be true or false'],
    ['gate: a\nverify: often', 'verify: must be true or false'],
    ['gate: a\nmerges: [{paths: [a], by: magic}]', 'merges.0.by: must be union or regenerate, not "magic"'],
    ['gate: a\nmerges: [{paths: [a], by: regenerate}]', 'tasks.yaml: merges.0.run: is missing; add a shell command'],
    ['gate: a\nmerges: [{paths: [a], by: regenerate, run: " "}]', 'merges.0.run: must be a shell command'],
    ['gate: a\nmerges: [{paths: [a], by: union, run: b}]', 'merges.0.run: is of no use with by: union; remove it'],
    ['gate: a\nmerges: [{paths: [/etc/x], by: union}]', "merges.0.paths.0: must be a path from the repository's top"],
    ['gate: a\nmerges: [{paths: [], by: union}]', 'merges.0.paths: must be a list with at least one path'],
    ['gate: a\nwindow: 0', 'window: must be a whole number from 1 to 64'],
  ])('is refused when it cannot be: %s', (text, message) => {
    const parsed = parseProjectFile(`project: a\nbranch: main\n${text}\n`);
    expect(parsed).toMatchObject({ kind: 'invalid', message: expect.stringContaining(message) });
  });

  it('changes the hash of the gate when a command is to do something else', () => {
    const plain = hash('gate: [{name: x, run: a}]\n');
    expect(hash('gate: [{name: x, run: a, mode: strict}]\n')).toBe(plain);
    expect(hash('gate: [{name: x, run: a, mode: skip}]\n')).not.toBe(plain);
    expect(hash('gate: [{name: x, run: a, needs: []}]\n')).not.toBe(plain);
  });
});

describe("the gate's hash", () => {
  it('is the same for one definition written in two ways', () => {
    expect(hash('gate: [{run: npm test, timeout: 1800s}]\n')).toBe(hash('gate: npm test # all\nattempts: 7\n'));
  });

  it('changes with the set-up, a command, its time-out, the order, and what each network is', () => {
    const all = [
      'network: {setup: none}\ngate: [a, b]\n',
      'network: {gate: full}\ngate: [a, b]\n',
      'gate: [a, b]\n',
      'gate: [b, a]\n',
      'gate: [a, c]\n',
      'gate: [a, {run: b, timeout: 5m}]\n',
      'setup: x\ngate: [a, b]\n',
    ].map(hash);
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('a wrong tasks.yaml', () => {
  it.each([
    ['', 'tasks.yaml: project: is missing; add a name, such as project: my-app'],
    [
      'project: a\nbranch: main\n',
      'tasks.yaml: gate: is missing; add the command that tests the project, such as gate: npm test',
    ],
    [
      'project: a\nbranch: main\ngate:\n',
      'tasks.yaml: gate: is missing; add the command that tests the project, such as gate: npm test',
    ],
    ['- a\n', 'tasks.yaml: must be a map of keys, not a list; write for example gate: npm test'],
    [`${LEAST}gaet: x\n`, 'tasks.yaml: "gaet" is no key here; did you mean gate?'],
    [`${LEAST}attempst: 2\n`, 'did you mean attempts?'],
    ['project: a\nbranch: main\ngate: [{name: x, rum: y}]\n', 'tasks.yaml: gate.0.run: is missing'],
    [
      'project: a\nbranch: main\ngate: [{run: x, tiemout: 5m}]\n',
      'tasks.yaml: gate.0: "tiemout" is no key here; did you mean timeout?',
    ],
    ['project: a\nbranch: main\ngate: 5\n', 'tasks.yaml: gate: must be a shell command, or a list'],
    ['project: a\nbranch: main\ngate: []\n', 'tasks.yaml: gate: must be a command or a list with at least one'],
    ['project: a\nbranch: main\ngate: [a, a]\n', 'tasks.yaml: gate: "a" is there twice'],
    [
      'project: a\nbranch: main\ngate: [[a]]\n',
      'tasks.yaml: gate.0: must be a shell command or a map with run, not a list',
    ],
    ['project: a\nbranch: main\ngate: "  "\n', 'tasks.yaml: gate: is empty; give a shell command'],
    ['project: My App\nbranch: main\ngate: x\n', 'tasks.yaml: project: "My App" must be 1 to 63 of a-z, 0-9 and -'],
    ['project: a\nbranch: -x\ngate: x\n', 'tasks.yaml: branch: "-x" is not a name that git takes for a branch'],
    [
      `${LEAST}attempts: three\n`,
      'tasks.yaml: attempts: must be a whole number from 1 to 20, not "three"; write for example 3',
    ],
    [`${LEAST}attempts: 0\n`, 'tasks.yaml: attempts: must be a whole number from 1 to 20, not 0'],
    [`${LEAST}attempts: 1.5\n`, 'tasks.yaml: attempts: must be a whole number from 1 to 20, not 1.5'],
    [`${LEAST}idle: 15\n`, 'tasks.yaml: idle: must be a duration, not 15; write for example 15m'],
    [`${LEAST}timeout: 2w\n`, 'tasks.yaml: timeout: "2w" is no duration; write one such as 90s, 45m, 1h30m or 2d'],
    [`${LEAST}agent: cluade\n`, 'tasks.yaml: agent: "cluade" is not known; did you mean claude?'],
    [`${LEAST}agent: shell\n`, 'tasks.yaml: agent: shell is no agent; submit commands with tasks submit --run'],
    [`${LEAST}agent: {}\n`, 'tasks.yaml: agent.command: is missing'],
    [
      `${LEAST}agent: {command: npm test}\n`,
      'tasks.yaml: agent.command: must be a list: the program and its arguments, not "npm test"',
    ],
    [`${LEAST}agent: {command: []}\n`, 'tasks.yaml: agent.command: must be a list with at least the program'],
    [`${LEAST}agent: {command: [""]}\n`, 'tasks.yaml: agent.command: names no program'],
    [
      `${LEAST}agent: {command: [x, "{promt_file}"]}\n`,
      'tasks.yaml: agent.command: "{promt_file}" is no placeholder; use one of {prompt_file}',
    ],
    [`${LEAST}agents: {a: {comand: [x]}}\n`, 'tasks.yaml: agents.a: "comand" is no key here; did you mean command?'],
    [`${LEAST}agents: {a: {}}\n`, 'tasks.yaml: agents.a: is empty; add command'],
    [`${LEAST}agents: {a: {phases: [execute]}}\n`, 'tasks.yaml: agents.a: has phases without a command'],
    [`${LEAST}agents: {a: {command: [x], model: y}}\n`, 'tasks.yaml: agents.a: has a command and also model or args'],
    [`${LEAST}agents: {shell: {command: [x]}}\n`, 'tasks.yaml: agents.shell: shell is for tasks submit --run'],
    [`${LEAST}agents: {A b: {command: [x]}}\n`, 'tasks.yaml: agents.A b: is no name for an agent'],
    [`${LEAST}agents: {a: {command: [x], phases: [plan]}}\n`, 'tasks.yaml: agents.a.phases: must have execute'],
    [
      `${LEAST}agents: {a: {command: [x], phases: [exekute]}}\n`,
      'tasks.yaml: agents.a.phases.0: must be understand, plan, execute or revise',
    ],
    [`${LEAST}gate: again\n`, 'tasks.yaml: line 4, column 1: Map keys must be unique'],
    ['project: a\nbranch: [main\n', 'tasks.yaml: line '],
    ['gate: *nowhere\n', 'tasks.yaml: '],
    [`${LEAST}--- \nproject: b\n`, 'tasks.yaml: '],
  ])('%j is refused in one line', (text, message) => {
    const told = messageOf(text);
    expect(told).toContain(message);
    expect(told).toMatch(/^tasks\.yaml: [^\n]+$/);
  });

  it('is refused when it is too long', () => {
    expect(messageOf(`${LEAST}# ${'x'.repeat(256 * 1024)}\n`)).toMatch(
      /^tasks\.yaml: is \d+ bytes, the limit is 262144/,
    );
  });

  it('is refused when its aliases would make it huge', () => {
    const levels = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(12)}]`);
    expect(messageOf(`a0: &a0 [x]\n${levels.join('\n')}\n`)).toContain('without YAML aliases');
  });

  it('keeps text-direction characters out of its error', () => {
    expect(messageOf(`${LEAST}"ga\u202ete": x\n`)).toMatch(/ga[^\u202e]*te/);
  });
});

describe('readGate', () => {
  it('gives the gate of the text', () => {
    expect(readGate(LEAST)).toEqual({
      kind: 'ok',
      gate: settingsOf(LEAST).gate,
      window: null,
      batch: false,
      verify: false,
      merges: [],
    });
  });

  it('says what is missing when there is no file', () => {
    expect(readGate(null)).toEqual({
      kind: 'invalid',
      message: expect.stringMatching(/^tasks\.yaml: is not on the branch; commit/),
    });
  });

  it('says what is wrong with the file', () => {
    expect(readGate('gate: 5')).toEqual({
      kind: 'invalid',
      message: expect.stringMatching(/^tasks\.yaml: project: is missing/),
    });
  });
});
