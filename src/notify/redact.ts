/** Takes a target's secrets out of what is said about it (N10). */

import type { NoticeTarget } from '../core/notice-types.ts';

/** Shorter parts of a path are words, such as `hooks` or `v1`. */
const LEAST_SECRET = 8;
const MARK = '[…]';

/** The text without anything that the target's owner wrote to get in: passwords, keys, the paths of secret addresses. */
export function redact(text: string, target: NoticeTarget): string {
  const longestFirst = [...new Set(secretsOf(target))].sort((a, b) => b.length - a.length);
  return longestFirst.reduce((left, secret) => left.replaceAll(secret, MARK), text);
}

/** Where a target is, for people: without what is secret of it. */
export function placeOf(target: NoticeTarget): string {
  if (target.kind === 'command') return target.command[0] ?? '';
  const url = parse(target.url);
  return url === null ? '' : `${url.protocol}//${url.host}`;
}

function secretsOf(target: NoticeTarget): readonly string[] {
  switch (target.kind) {
    case 'ntfy':
      return [...partsOf(target.url), ...(target.token === null ? [] : [target.token])];
    case 'slack':
      return partsOf(target.url);
    case 'webhook':
      return [...partsOf(target.url), ...(target.secret === null ? [] : [target.secret])];
    case 'smtp':
      return partsOf(target.url);
    case 'command':
      // Programs repeat an argument that they do not like.
      return target.command.slice(1).filter((part) => part.length >= LEAST_SECRET && !part.includes('{'));
  }
}

/** Everything of an address but its scheme and host, as it was written and as programs decode it. */
function partsOf(address: string): readonly string[] {
  const url = parse(address);
  if (url === null) return [address];
  const parts = [
    ...[url.username, url.password].filter((part) => part !== ''),
    ...[...url.pathname.split('/'), ...url.searchParams.values(), url.hash].filter(
      (part) => part.length >= LEAST_SECRET,
    ),
    ...[url.pathname, url.search].filter((part) => part.length > LEAST_SECRET),
  ];
  const basic = url.password === '' ? [] : [basicOf(url)];
  return [...parts, ...parts.map(decode), ...basic, address, url.href];
}

/** The credentials of an address as HTTP sends them. */
export function basicOf(url: URL): string {
  return Buffer.from(`${decode(url.username)}:${decode(url.password)}`).toString('base64');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parse(address: string): URL | null {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}
