/** The shape of `merges` in tasks.yaml. */

import { z } from 'zod';
import { closed, must } from './explain.ts';

const MAX_MERGES = 20;
const UNION_ONLY = must('union', 'by: union');

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
        by: z
          .enum(['union'], {
            error: (issue) =>
              issue.input === 'regenerate'
                ? "cannot be regenerate: a candidate is built without running anything, and in the same way on every host; leave lock files to the task's revision, or merge what can be by union"
                : UNION_ONLY(issue),
          })
          .meta({ description: "union: where both sides have changed the same lines, both are kept, main's first." }),
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
