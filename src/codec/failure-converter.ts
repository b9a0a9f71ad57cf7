/**
 * Failures of activities with their messages and stack traces as payloads, so that the codec encrypts them too. A file of
 * its own, since Temporal's worker takes it by its path; of workflows `workflows/failure-converter.ts` is the like.
 */

import { DefaultFailureConverter } from '@temporalio/common';

export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
