/**
 * Workflows' code that wedges: in a run that nobody has set back it does one thing and in a replay another, as a fault of the SDK
 * may. Whoever has not seen that run from its beginning cannot go on with it.
 */

import { workflowBundle } from './workflow-bundle.ts';

const isLive = (info: string): string =>
  `(({ unsafe, originalExecutionRunId, runId }) => !unsafe.isReplaying && originalExecutionRunId === runId)(${info})`;
const info = (module: string): string => `(0, ${module}.workflowInfo)()`;

async function changed(pattern: RegExp, change: (...found: string[]) => string): Promise<{ readonly code: string }> {
  const { code } = await workflowBundle();
  const found = code.match(new RegExp(pattern, 'g')) ?? [];
  if (found.length !== 1) throw new Error(`${String(pattern)} is in the bundle ${found.length} times`);
  return { code: code.replace(pattern, change) };
}

/** The queue does not set its own alarm; a replay does. */
export function wedgingQueues(): Promise<{ readonly code: string }> {
  return changed(/\(0, *([\w$]+)\.sleep\)\((?=Math\.max\(1, atMs - )/, (sleep, module) => {
    const never = '(() => new Promise(() => {}))';
    return `(${isLive(info(module))} ? ${never} : ${sleep.slice(0, -1)})(`;
  });
}

/** A task sets a timer of no use when it comes to a stage; a replay does not. */
export function wedgingTasks(stage: string): Promise<{ readonly code: string }> {
  return changed(/function liveStage\(task\) \{/, (begin) => {
    const module = '_temporalio_workflow__WEBPACK_IMPORTED_MODULE_0__';
    return `${begin} if (task.stage.kind === '${stage}' && ${isLive(info(module))}) void (0, ${module}.sleep)(3600000);`;
  });
}

/** A gate run does so when it begins. */
export function wedgingGates(): Promise<{ readonly code: string }> {
  return changed(/async function gate\(input\) \{/, (begin) => {
    const module = '_temporalio_workflow__WEBPACK_IMPORTED_MODULE_0__';
    return `${begin} if (${isLive(info(module))}) void (0, ${module}.sleep)(3600000);`;
  });
}

/** A fault of the queue's code: its task fails, and is tried again, though its history is sound. */
export function failingQueues(): Promise<{ readonly code: string }> {
  return changed(/\(0, *[\w$.]+\.queueDetailsOf\)(?=\(view\))/, () => '(() => { throw new Error("broken"); })');
}

/** Faults of the code of tasks and queues: they fail whenever they are to begin. */
export async function failingFromTheStart(): Promise<{ readonly code: string }> {
  const { code } = await workflowBundle();
  return { code: code.replace(/async function (?:task|integrationV2)\(input\) \{/g, '$& throw new Error("broken");') };
}
