/** The shape of `gate` in tasks.yaml: one command, or several that run one after another or as they need each other. */

import { z } from 'zod';
import { GATE_MODES } from '../core/project.ts';
import { closed, must } from './explain.ts';
import { duration, shellCommand } from './schema-parts.ts';

export const DEFAULT_GATE_TIMEOUT = '30m';

const gateCommand = closed(
  {
    name: z
      .string({ error: must('a name', 'name: unit tests') })
      .regex(/^\S(?:.{0,58}\S)?$/, { error: must('1 to 60 characters on one line', 'name: unit tests') })
      .meta({ description: 'What people see of it; the command itself when left out.' })
      .optional(),
    run: shellCommand('run: npm test').meta({ description: 'The shell command; it must exit with 0.' }),
    timeout: duration('How long it may take.', DEFAULT_GATE_TIMEOUT),
    mode: z
      .enum(GATE_MODES, { error: must('strict, permissive or skip', 'mode: permissive') })
      .meta({
        description:
          'permissive: that it fails is recorded and stops nothing; skip: it is not run. strict when left out.',
      })
      .optional(),
    needs: z
      .array(z.string({ error: must('the name of another command', 'lint') }), {
        error: must('a list of names', 'needs: [lint]'),
      })
      .meta({
        description:
          'The names of the commands that must have ended before. As soon as one command has needs, all of them run side by side as far as theirs allow.',
        examples: [['lint']],
      })
      .optional(),
  },
  'a map with run',
  '{run: npm test}',
).meta({ title: 'Gate command' });

export const gate = z
  .union(
    [
      shellCommand('gate: npm test').meta({ description: 'One shell command.' }),
      gateCommand,
      z
        .array(
          z.union([shellCommand('gate: npm test'), gateCommand], {
            error: must('a shell command or a map with run', 'npm test'),
          }),
          {
            error: must('a list of commands', '[npm run lint, npm test]'),
          },
        )
        .min(1, { error: must('a command or a list with at least one', 'gate: npm test') })
        .max(50, { error: must('a list of at most 50 commands', 'gate: npm test') })
        .meta({ description: 'Several, one after another; the first that fails ends the run.' }),
    ],
    {
      error: (issue) =>
        issue.input === undefined || issue.input === null
          ? 'is missing; add the command that tests the project, such as gate: npm test'
          : must('a shell command, or a list of commands or {name, run, timeout}', 'gate: npm test')(issue),
    },
  )
  .meta({
    title: 'Gate',
    description: "The project's own checks. They run on the exact tree that would land; only a green one lands.",
    examples: ['npm test', [{ name: 'unit tests', run: 'npm test', timeout: '10m' }]],
  });
