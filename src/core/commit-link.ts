/** Where a commit is seen in a browser, for origins whose host is known to show them. */

import type { ObjectId } from './ids.ts';

const HOSTED = /^(?:https?:\/\/(?:[^@/]*@)?|ssh:\/\/git@|git@)([\w.-]+)(?::\d+)?[:/]([\w.~-]+(?:\/[\w.~-]+)+)\/?$/;

/** Null for an origin that is a path, or on a host of which nothing is known. */
export function commitLink(origin: string, commit: ObjectId): string | null {
  const [, host = '', name = ''] = HOSTED.exec(origin) ?? [];
  const path = name.replace(/\.git$/, '');
  if (/(?:^|\.)github\./.test(host)) return `https://${host}/${path}/commit/${commit}`;
  return /(?:^|\.)gitlab\./.test(host) ? `https://${host}/${path}/-/commit/${commit}` : null;
}
