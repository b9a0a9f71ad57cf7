/** The shape of tasks.yaml: checks it, and is the source of its JSON Schema and its page. */

import { z } from 'zod';
import { checkPlaceholders } from '../agents/placeholders.ts';
import { STAGE_GATES } from '../core/ask-types.ts';
import { parseDuration } from '../core/duration.ts';
import { parseBranchName, parseProjectName } from '../core/ids.ts';
import { closed, must } from './explain.ts';
import { gate } from './gate-schema.ts';
import { requiredLabels } from './labels-schema.ts';
import { merges } from './merges-schema.ts';
import { notifyRules } from './notify-schema.ts';
import { attempts, backoff, idle, phases as phasePolicies, timeout } from './policy-schema.ts';
import { network, networks, protectedPaths, sandbox } from './sandbox-schema.ts';
import { by, count, duration, shellCommand } from './schema-parts.ts';

export const DEFAULT_REVISIONS = 2;
export const DEFAULT_TURN = '30m';
const MAX_WINDOW = 64;
export const AGENT_NAME = /^[a-z0-9][a-z0-9._-]{0,39}$/;

const command = z
  .array(z.string({ error: must('a text', '"--prompt-file"') }), {
    error: must('a list: the program and its arguments', '[my-agent, --prompt-file, "{prompt_file}"]'),
  })
  .min(1, { error: must('a list with at least the program', '[my-agent, --prompt-file, "{prompt_file}"]') })
  .superRefine((parts, context) => {
    const wrong = (message: string): void => context.addIssue({ code: 'custom', message });
    if (parts[0]?.trim() === '') wrong('names no program; put it first');
    if (parts.some((part) => part.includes('\0'))) wrong('has a NUL character; remove it');
    const checked = checkPlaceholders(parts);
    if (checked.kind === 'invalid') wrong(checked.message.replace(/^command: /, ''));
  })
  .meta({
    description:
      'The program and its arguments, run without a shell. {prompt_file} {task_dir} {worktree} {branch} {task_id} {phase} {report_file} are filled in.',
    examples: [['my-agent', '--prompt-file', '{prompt_file}']],
  });

const phases = z
  .array(
    z.enum(['understand', 'plan', 'execute', 'revise'], {
      error: must('understand, plan, execute or revise', 'execute'),
    }),
    { error: must('a list of phases', '[execute]') },
  )
  .refine((given) => given.includes('execute'), { error: 'must have execute, the phase that does the work; add it' })
  .refine((given) => new Set(given).size === given.length, { error: 'names a phase twice; remove one' })
  .meta({
    description: 'With command: the phases that it goes through; all when left out.',
    examples: [['execute', 'revise']],
  })
  .optional();

const inPlace = closed(
  { command, phases, sandbox, network: network('Its own instead of network.agents.') },
  'a map with command',
  '{command: [my-agent, "{prompt_file}"]}',
).meta({
  title: 'Command',
  description: 'Any coding-agent program that meets the report contract.',
});

const definition = closed(
  {
    command: command.optional(),
    phases,
    model: z
      .string({ error: must('the name of a model', 'model: opus') })
      .regex(/^[A-Za-z0-9][\w.:@/[\]-]{0,99}$/, { error: must('the name of a model', 'model: opus') })
      .meta({ description: 'For Claude Code: the model; its own choice when left out.', examples: ['opus'] })
      .optional(),
    args: z
      .array(z.string({ error: must('a text', '--verbose') }), {
        error: must('a list of arguments', '[--max-turns, "50"]'),
      })
      .meta({
        description:
          "For Claude Code: further arguments, which come after the engine's own. In a sandbox it may run any command; without one only what is allowed here.",
        examples: [
          ['--max-turns', '50'],
          ['--allowedTools', 'Bash(npm test:*)'],
        ],
      })
      .optional(),
    sandbox,
    network: network('Its own instead of network.agents.'),
  },
  'a map with command, or with model and args for Claude Code',
  '{command: [my-agent, "{prompt_file}"]}',
)
  .superRefine((given, context) => {
    const wrong = (message: string): void => context.addIssue({ code: 'custom', message });
    if (given.command === undefined) {
      if (given.phases !== undefined) wrong('has phases without a command; add command: [program, "{prompt_file}"]');
    } else if (given.model !== undefined || given.args !== undefined) {
      wrong('has a command and also model or args, which are for Claude Code; put them into the command');
    }
  })
  .meta({ title: 'Agent', description: 'A command, or Claude Code with settings of its own.' });

const AGENT_MAP = must('a map of names to agents', 'agents: {fast: {model: haiku}}');

const span = (what: string, example: string): z.ZodString =>
  z
    .string({ error: must('a duration', example) })
    .superRefine(by(parseDuration))
    .meta({ description: `${what} A number and s, m, h or d.`, examples: [example], pattern: '^(\\d{1,6}[smhd])+$' });

const asking = closed(
  {
    remind: span('A reminder after this long, and again after each such span.', '4h').optional(),
    escalate: closed(
      {
        after: span('How long the one who was asked has.', '1d'),
        to: z.string({ error: must('a name', 'to: lead') }).meta({ description: 'Who is asked then.' }),
      },
      'a map with after and to',
      '{after: 1d, to: lead}',
    ).optional(),
    expire: closed(
      {
        after: span('How long anything waits for a reply.', '3d'),
        outcome: z
          .enum(['default', 'give-up'], { error: must('default or give-up', 'outcome: give-up') })
          .meta({
            description:
              "default: take the question's default answer, and give up where there is none. default when left out.",
          })
          .optional(),
      },
      'a map with after',
      '{after: 3d}',
    ).optional(),
  },
  'a map with remind, escalate, expire',
  '{remind: 4h, expire: {after: 3d}}',
).meta({
  title: 'Asking',
  description: 'How long a question or a proposal waits for a person; for ever when left out.',
});

export const projectSchema = closed(
  {
    project: z
      .string({ error: must('a name', 'project: my-app') })
      .superRefine(by(parseProjectName))
      .meta({
        title: 'Project',
        description: 'The name under which its tasks are listed: 1 to 63 of a-z, 0-9 and -. It belongs to one origin.',
        pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
        examples: ['my-app'],
      }),
    branch: z
      .string({ error: must("the branch's name", 'branch: main') })
      .superRefine(by(parseBranchName))
      .meta({ title: 'Branch', description: 'The branch that finished work lands on.', examples: ['main'] }),
    setup: shellCommand('setup: npm ci')
      .meta({
        title: 'Set-up',
        description:
          'A shell command that fills the ignored folders of a fresh worktree, such as node_modules; what it makes that git does not ignore fails the task, and files of git that it changes are put back. For the gate it is run on main and its result kept, until the command or a lock file changes; what a gate run changes in it no other run sees. A task that changes lock files has a set-up of its own there.',
        examples: ['npm ci'],
      })
      .nullish(),
    gate,
    agent: z
      .union(
        [
          z
            .string({ error: must('the name of an agent', 'agent: claude') })
            .meta({ description: 'claude, or a name in agents.' }),
          inPlace,
        ],
        { error: must('the name of an agent or {command: […]}', 'agent: claude') },
      )
      .meta({
        title: 'Agent',
        description: 'The agent of tasks that name none; claude when left out.',
        examples: ['claude', { command: ['my-agent', '--prompt-file', '{prompt_file}'] }],
      })
      .optional(),
    agents: z
      .record(z.string().regex(AGENT_NAME), definition, {
        error: (issue) =>
          issue.code === 'invalid_key'
            ? 'is no name for an agent; use 1 to 40 of a-z, 0-9, ., _ and -'
            : AGENT_MAP(issue),
      })
      .meta({ title: 'Agents', description: 'Further agents by name, for tasks submit --agent NAME.' })
      .nullish(),
    attempts,
    revisions: count(
      'Times that work may come back from landing to be revised. After that it comes back once more, in a turn of its own (turn, unless that is 0s); then a person is asked.',
      0,
      20,
      DEFAULT_REVISIONS,
    ),
    approve: z
      .array(z.enum(STAGE_GATES, { error: must(`one of ${STAGE_GATES.join(', ')}`, 'approve: [plan, patch]') }), {
        error: must('a list of stages', 'approve: [plan, patch]'),
      })
      .meta({
        title: 'Approvals',
        description:
          'What waits for a decision: clarification (the understanding, before planning), plan, patch (the diff, before landing), effects and messages (what an agent wants to do or send outside). effects and messages when left out; [] for none.',
        examples: [['plan', 'patch', 'effects', 'messages']],
      })
      .optional(),
    asking: asking.optional(),
    window: z
      .int({ error: must(`a whole number from 1 to ${MAX_WINDOW}`, 'window: 2') })
      .min(1, { error: must(`a whole number from 1 to ${MAX_WINDOW}`, 'window: 2') })
      .max(MAX_WINDOW, { error: must(`a whole number from 1 to ${MAX_WINDOW}`, 'window: 2') })
      .meta({
        title: 'Window',
        description:
          'Candidates that are gated side by side at the most, each on the one before. As many as there are gate slots when left out.',
        examples: [2],
      })
      .optional(),
    batch: z
      .boolean({ error: must('true or false', 'batch: true') })
      .meta({
        title: 'Batch',
        description:
          'true: where there is one gate slot and red is rare, several land behind one gate run, in one push; of the commits between the trees were not gated themselves, and the trailer Gate-Covered-By names the tree that was. false when left out.',
        examples: [true],
      })
      .optional(),
    verify: z
      .boolean({ error: must('true or false', 'verify: true') })
      .meta({
        title: 'Verify',
        description:
          'true: each task is gated, merged with main as it then is, before it may become a candidate; worth it where red is common and gate slots are plenty. A hotfix is not. false when left out.',
        examples: [true],
      })
      .optional(),
    merges: merges.nullish(),
    turn: duration(
      'When work has come back from landing as often as it may (revisions), landing holds this long for it alone, and it may come back this once more before a person is asked; 0s for never.',
      DEFAULT_TURN,
      0,
    ),
    notify: notifyRules
      .meta({
        title: 'Notices',
        description:
          "Who is told of what: a list of rules. Targets are named; what they are is in each host's host.yaml, since it belongs to a machine and holds keys.",
        examples: [[{ to: 'phone', events: ['asks', 'failed'], quiet: '22:00-07:00' }]],
      })
      .nullish(),
    sandbox,
    network: networks.nullish(),
    protected: protectedPaths.nullish(),
    requires: requiredLabels.nullish(),
    idle,
    timeout,
    backoff,
    phases: phasePolicies,
  },
  'a map of keys',
  'gate: npm test',
).meta({
  title: 'Tributary project',
  description: 'tasks.yaml, at the top of a repository: how its tasks are worked on, tested and landed.',
});

export type ProjectFile = z.infer<typeof projectSchema>;
