/** The small process that starts git for a worker; see runner.ts. It ends when its worker does. */

import { collect } from './collect.ts';
import type { RunnerAnswer, RunnerQuestion } from './runner.ts';

process.on('message', (question: RunnerQuestion) => {
  void collect(question.request).then((ended) => {
    const answer: RunnerAnswer = { id: question.id, ended };
    process.send?.(answer);
  });
});
process.on('disconnect', () => process.exit());
// A terminal's Ctrl-C is the worker's to hear: it still has landings to finish.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
