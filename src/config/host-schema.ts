/** The shape of host.yaml: checks it, and is the source of its page. */

import { z } from 'zod';
import { SANDBOX_MODES } from '../core/project.ts';
import { parseDuration } from '../core/duration.ts';
import { ok } from '../core/parsed.ts';
import { encryption } from './encryption-schema.ts';
import { closed, must, mustQuietly } from './explain.ts';
import { notifyRules, targets } from './notify-schema.ts';
import { by } from './schema-parts.ts';
import { secretReference } from './secret-reference.ts';
import { parseSize } from './size.ts';
import { checkouts, ports, workspaces } from './workspaces-schema.ts';

const variable = z
  .string({ error: must('the name of an environment variable', 'NPM_TOKEN') })
  // What somebody wrote there may be a secret: it is not repeated (N10).
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
    error: 'must be the name of an environment variable, without its value; write for example NPM_TOKEN',
  });

/** Of the home nothing that leads out of it, and not all of it. */
const BELOW_HOME = /^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[^\0\n]{1,200}$/;

const path = (example: string): z.ZodString =>
  z.string({ error: must('an absolute path', example) }).regex(/^\/[^\0\n]+$/, {
    error: must('an absolute path', example),
  });

const size = (what: string, example: string): z.ZodOptional<z.ZodString> =>
  z
    .string({ error: must('an amount', example) })
    .refine((text) => parseSize(text).kind === 'ok', { error: must('an amount', example) })
    .meta({ description: what, examples: [example] })
    .optional();

const slots = (what: string, example: string): z.ZodOptional<z.ZodInt> =>
  z
    .int({ error: must('a whole number from 1 to 256', example) })
    .min(1, { error: must('a whole number from 1 to 256', example) })
    .max(256, { error: must('a whole number from 1 to 256', example) })
    .meta({ description: what, examples: [4] })
    .optional();

export const hostSchema = closed(
  {
    grant: z
      .array(z.string({ error: must('the name of an agent', 'claude') }), {
        error: must('a list of agents', 'grant: [claude]'),
      })
      .meta({
        description:
          "Agents that are to be signed in as the person is. In a sandbox they see of the person's home what signs them in (known of claude, codex, gemini, opencode, copilot and aider) and what granted names; without one they run with that HOME, and can read and use what lies there.",
        examples: [['claude']],
      })
      .nullish(),
    env: z
      .array(variable, { error: must('a list of names', 'env: [NPM_TOKEN]') })
      .meta({
        description:
          'Environment variables that agents, set-up and gates get besides the fixed ones, by name; their values are taken from the environment that the worker was started in.',
        examples: [['NPM_TOKEN']],
      })
      .nullish(),
    secrets: z
      .record(
        variable,
        closed(
          {
            from: secretReference('env:NAME of the worker, file:/PATH, or command:… whose output it is.'),
            agents: z
              .array(z.string({ error: must('the name of an agent', 'claude') }), {
                error: must('a list of agents', 'agents: [claude]'),
              })
              .meta({ description: 'Who gets it.', examples: [['claude']] }),
          },
          'a map with from and agents',
          '{from: file:/run/secrets/key, agents: [claude]}',
        ),
        { error: mustQuietly('a map of variables', 'secrets: {API_KEY: {from: env:API_KEY, agents: [claude]}}') },
      )
      .meta({
        description:
          'Environment variables that only the agents named get, by reference. Their values are looked up for each attempt, taken out of what it prints in plain, Base64, URL and hexadecimal form, and never pushed: a commit that has one stops the task.',
        examples: [{ ANTHROPIC_API_KEY: { from: 'file:/run/secrets/anthropic', agents: ['claude'] } }],
      })
      .nullish(),
    encryption: encryption
      .meta({
        description:
          'What Temporal keeps of tasks is encrypted before it leaves this machine. The same keys on every machine that runs workers or the command line.',
        examples: [{ keys: [{ id: '2026-11', from: 'file:/etc/tributary/payloads.key' }] }],
      })
      .nullish(),
    programs: z
      .record(
        z.string(),
        z
          .string({ error: must('an absolute path', 'programs: {claude: /opt/claude/bin/claude}') })
          .regex(/^(?:[/\\]|[A-Za-z]:)/, {
            error: must('an absolute path', 'programs: {claude: /opt/claude/bin/claude}'),
          }),
        { error: must('a map of names to paths', 'programs: {claude: /opt/claude/bin/claude}') },
      )
      .meta({
        description: "Where this machine has the programs that a project's agents name, when the PATH does not tell.",
        examples: [{ claude: '/opt/claude/bin/claude' }],
      })
      .nullish(),
    agents: slots('Agents that run at the same time; the number of cores, and at least 2, when left out.', 'agents: 4'),
    gates: slots('Gate runs at the same time; 1 when left out.', 'gates: 1'),
    containment: z
      .enum(['preferred', 'off'], { error: must('preferred or off', 'containment: preferred') })
      .meta({
        description:
          'preferred: processes run in a PID namespace of their own where this machine can make one (bubblewrap), so that none survives. off: never. preferred when left out.',
        examples: ['preferred'],
      })
      .optional(),
    checkpoint: z
      .string({ error: must('a duration, or off', 'checkpoint: 5m') })
      .superRefine(by((text) => (text === 'off' ? ok(0) : parseDuration(text))))
      .meta({
        description:
          "How often the unfinished work of a running agent is stored on the origin, where it has changed: what a machine that is lost can take along. A number and s, m, h or d, or off; 5m when left out. At a phase's end it is stored anyway.",
        examples: ['5m'],
        pattern: '^(off|(\\d{1,6}[smhd])+)$',
      })
      .optional(),
    limits: closed(
      {
        processes: z
          .int({ error: must('a whole number from 16 to 1000000', 'processes: 2048') })
          .min(16, { error: must('a whole number from 16 to 1000000', 'processes: 2048') })
          .max(1_000_000, { error: must('a whole number from 16 to 1000000', 'processes: 2048') })
          .meta({ description: 'Processes at a time; 2048 when left out.', examples: [2_048] })
          .optional(),
        cpus: z
          .number({ error: must('a number from 0.1 to 4096', 'cpus: 2') })
          .min(0.1, { error: must('a number from 0.1 to 4096', 'cpus: 2') })
          .max(4_096, { error: must('a number from 0.1 to 4096', 'cpus: 2') })
          .meta({
            description:
              'Processors: with 2 it goes on as if the machine had two. By control groups (Linux), which this account must be allowed to make; the worker says at its start when it is not. As many as there are when left out.',
            examples: [2],
          })
          .optional(),
        memory: size('Memory; three quarters of what the machine has when left out.', '8GiB'),
        disk: size('What it may have on the disk: worktree, home and temporary files; 32GiB when left out.', '32GiB'),
        free: size(
          'So much of the disk stays free: before that, the one that has the most is ended. 512MiB when left out.',
          '512MiB',
        ),
      },
      'a map of limits',
      'limits: {memory: 8GiB}',
    )
      .meta({
        description:
          'What an attempt, a set-up or a command of a gate may take of this machine. What goes beyond it is ended, and fails by name; what else runs here goes on. Memory, processes and cpus are held by the kernel, too, where the worker may make control groups: tasks doctor says whether.',
        examples: [{ processes: 500, cpus: 2, memory: '8GiB', disk: '20GiB' }],
      })
      .nullish(),
    sandbox: z
      .enum(SANDBOX_MODES, { error: must('required, preferred or off', 'sandbox: required') })
      .meta({
        description:
          "Of every project's processes on this machine: required: nothing runs here without a sandbox, whatever a tasks.yaml says; preferred: where a sandbox can be made here; off: never. When left out, each project says for itself.",
        examples: ['required'],
      })
      .optional(),
    read: z
      .array(path('read: [/srv/models]'), { error: must('a list of absolute paths', 'read: [/srv/models]') })
      .meta({
        description:
          'Folders and files that every sandbox sees read-only beside the system, the PATH and the programs.',
        examples: [['/srv/models']],
      })
      .nullish(),
    write: z
      .array(path('write: [/srv/cache]'), { error: must('a list of absolute paths', 'write: [/srv/cache]') })
      .meta({
        description:
          'Folders that every sandbox may write, such as a cache of compilers. What one task leaves there, the next one finds: leave it out where you can.',
        examples: [['/srv/cache']],
      })
      .nullish(),
    granted: z
      .record(
        z.string(),
        z.array(
          z
            .string({ error: must('a path below the home', 'granted: {my-agent: [.config/my-agent]}') })
            .regex(BELOW_HOME, {
              error: must('a path below the home', 'granted: {my-agent: [.config/my-agent]}'),
            }),
          { error: must('a list of paths', 'granted: {my-agent: [.config/my-agent]}') },
        ),
        { error: must('a map of agents to paths', 'granted: {my-agent: [.config/my-agent]}') },
      )
      .meta({
        description:
          "What agents of grant see of the person's home inside a sandbox beside what is known of them, by the agent's name; read-only.",
        examples: [{ 'my-agent': ['.config/my-agent'] }],
      })
      .nullish(),
    targets: targets
      .meta({
        description:
          'Where notices of this machine can go, by the names that rules use. A target is read for each try: a mended one counts at once. Keep the file to yourself (chmod 600).',
        examples: [{ phone: { ntfy: 'https://ntfy.sh/my-topic' } }],
      })
      .nullish(),
    notify: notifyRules
      .meta({
        description: 'Who is told of what of every project whose tasks run here, beside what their tasks.yaml says.',
        examples: [[{ to: 'phone', events: ['asks'] }]],
      })
      .nullish(),
    workspaces,
    ports,
    checkouts,
    ui: z
      .string({ error: mustQuietly('an http or https address', 'ui: https://temporal.example.com') })
      .regex(/^https?:\/\/[^\s@]+$/, {
        error: mustQuietly('an http or https address', 'ui: https://temporal.example.com'),
      })
      .meta({
        description:
          "Where people reach the Temporal Web UI, for the links in notices; that of this machine's own stack when left out.",
        examples: ['https://temporal.example.com'],
      })
      .optional(),
  },
  'a map of keys',
  'agents: 4',
).meta({
  title: 'Tributary host',
  description: 'host.yaml, in the state home: what belongs to this machine and not to a project. Never committed.',
});
