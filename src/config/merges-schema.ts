/** `merges` in tasks.yaml: its shape, and what it stands for. */

import { z } from 'zod';
import type { MergeRule } from '../core/merge-rules.ts';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import { closed, must } from './explain.ts';

const MAX_MERGES = 20;
const REGENERATE = 'npm install --package-lock-only --ignore-scripts';

export const merges = z
  .array(
    closed(
      {
        paths: z
          .array(
            z.string({ error: must('a path', 'CHANGELOG.md') }).regex(/^[^/].{0,199}$/, {
              error: must("a path from the repository's top, or a pattern of some", 'docs/**/CHANGES.md'),
            }),
            { error: must('a list of paths', 'paths: [CHANGELOG.md]') },
          )
          .min(1, { error: must('a list with at least one path', 'paths: [CHANGELOG.md]') })
          .max(MAX_MERGES, { error: `must be at most ${MAX_MERGES} paths; put them under a pattern` })
          .meta({
            description:
              "Paths from the repository's top. * stands for what is in one name, ** for any folders; **/CHANGELOG.md is in all of them.",
            examples: [['CHANGELOG.md']],
          }),
        by: z.enum(['union', 'regenerate'], { error: must('union or regenerate', 'by: union') }).meta({
          description:
            "union: where both sides have changed the same lines, both are kept, main's first. regenerate: the task's branch is merged with main, and run makes the file anew; never of a shell task (tasks submit --run), whose own command runs again on main instead.",
        }),
        run: z
          .string({ error: must('a shell command', REGENERATE) })
          .regex(/\S/, { error: must('a shell command', REGENERATE) })
          .meta({
            description:
              "With regenerate: the shell command. It runs like setup, confined in the same way and with the same network, in the task's worktree, which has main's version of the files, and changes nothing else; set-up need not have run there. At most 10 minutes.",
            examples: [REGENERATE],
          })
          .optional(),
      },
      'a map with paths and by',
      '{paths: [CHANGELOG.md], by: union}',
    ).meta({ title: 'Merge rule' }),
    { error: must('a list of rules', 'merges: [{paths: [CHANGELOG.md], by: union}]') },
  )
  .max(MAX_MERGES, { error: `must be at most ${MAX_MERGES} rules; put several paths into one` })
  .meta({
    title: 'Merges',
    description:
      'How files are merged that everybody adds to, before anything counts as a conflict; as they stand on the branch when a candidate is built.',
    examples: [[{ paths: ['CHANGELOG.md'], by: 'union' }]],
  });

/** The rules of a file that has the shape; what is wrong begins with the key. */
export function completeMerges(given: z.output<typeof merges>): Parsed<readonly MergeRule[]> {
  const rules: MergeRule[] = [];
  for (const [at, { paths, by, run }] of given.entries()) {
    if (by === 'union') {
      if (run !== undefined)
        return fail(`merges.${at}.run: is of no use with by: union; remove it, or write by: regenerate`);
      rules.push({ paths, by });
    } else {
      if (run === undefined) return fail(`merges.${at}.run: is missing; add a shell command, such as ${REGENERATE}`);
      rules.push({ paths, by, run });
    }
  }
  return ok(rules);
}
