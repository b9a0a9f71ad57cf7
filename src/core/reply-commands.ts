/** The literal commands by which a person replies: what the inbox, the notices and the Temporal Web UI print. */

import type { WaitingFor } from './task-types.ts';

/** The commands that reply to what a task waits for, the likeliest first; none where no reply is wanted. */
export function replyCommands(id: string, wait: WaitingFor): readonly string[] {
  const target = wait.version === null ? id : `${id}@${wait.version}`;
  switch (wait.kind) {
    case 'question':
      return [`tasks answer ${target} "…"`];
    case 'proposal':
      return wait.proposal === 'task'
        ? [`tasks approve ${target}`, `tasks reject ${target} --reason "…"`]
        : [`tasks approve ${target}`, `tasks revise ${target} "…"`, `tasks reject ${target} --reason "…"`];
    case 'attempts':
    case 'revisions':
      return [`tasks retry ${id}`, `tasks cancel ${id}`];
    case 'blocked':
    case 'checkout':
    case 'gate':
    case 'origin':
    case 'engine':
    case 'host':
    case 'retry':
    case 'limit':
      return [];
  }
}
