/** The shape of host.yaml: checks it, and is the source of its page. */

import { z } from 'zod';
import { closed, must, mustQuietly } from './explain.ts';
import { notifyRules, targets } from './notify-schema.ts';

const variable = z
  .string({ error: must('the name of an environment variable', 'NPM_TOKEN') })
  // What somebody wrote there may be a secret: it is not repeated (N10).
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
    error: 'must be the name of an environment variable, without its value; write for example NPM_TOKEN',
  });

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
          "Agents that run with the person's own HOME, so that they are signed in. What lies there, an agent of this list can read and use.",
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
