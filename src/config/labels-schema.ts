/** The labels that a project requires of the hosts that work on its tasks. */

import { z } from 'zod';
import { checkRequired } from '../core/labels.ts';
import { must } from './explain.ts';

export const requiredLabels = z
  .array(z.string({ error: must('a label', 'gpu') }), { error: must('a list of labels', 'requires: [gpu, linux]') })
  .superRefine((labels, context) => {
    const checked = checkRequired(labels);
    if (checked.kind === 'invalid') context.addIssue({ code: 'custom', message: checked.message });
  })
  .meta({
    title: 'Required labels',
    description:
      'Labels that a worker has to have, all of them (tasks worker --labels), to run phases of its tasks, and its gate; a task may require more for its phases. None when left out.',
    examples: [['gpu', 'linux']],
  });
