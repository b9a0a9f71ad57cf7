/** Which addresses a confined process may reach through the worker's proxy. Pure, but for the host's own addresses. */

import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

export interface Destination {
  /** As it was asked for: a name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Nobody's but this machine's: reached only when it is named as an address, or as localhost. */
const OWN: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  // The host below a machine of Azure, which hands out that machine's configuration: public by its number alone.
  ['168.63.129.16', 32, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  // The unspecified one, loopback, and IPv4 addresses as IPv6 once had them.
  ['::', 96, 'ipv6'],
  ['::ffff:0:0:0', 96, 'ipv6'],
  // Translated ones say an IPv4 address in other words; mapped ones are compared with the ranges above by BlockList itself.
  ['64:ff9b::', 96, 'ipv6'],
  ['64:ff9b:1::', 48, 'ipv6'],
  ['2001::', 32, 'ipv6'],
  ['2002::', 16, 'ipv6'],
  ['fe80::', 9, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];

/** Of a network that is not public: reached only when its host is named. */
const PRIVATE: typeof OWN = [
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  // Nobody's in public, so that networks of machines are numbered by them.
  ['192.0.2.0', 24, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['2001:db8::', 32, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
];

function listOf(ranges: typeof OWN): BlockList {
  const list = new BlockList();
  for (const [address, prefix, family] of ranges) list.addSubnet(address, prefix, family);
  return list;
}

const own = listOf(OWN);
const notPublic = listOf(PRIVATE);

/** Why a destination may not be reached. */
export interface Refusal {
  readonly why: string;
  /** What the list of hosts lacks; null where no name would help. */
  readonly lacks: string | null;
}

/** What stands in the way of a destination by its name; null when nothing does. */
export function whyNotNamed(hosts: readonly string[], to: Destination): Refusal | null {
  if (hosts.includes('*') || isNamed(hosts, to)) return null;
  return { why: `${to.host}:${to.port} is not among the hosts of network:`, lacks: to.host };
}

/** What stands in the way of one address that a destination's name stands for; null when nothing does. */
export function whyNotAddress(hosts: readonly string[], to: Destination, address: string): Refusal | null {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const named = isNamed(hosts, to);
  if (own.check(address, family) || isOfThisHost(address, family)) {
    if (named && (isIP(to.host) !== 0 || to.host === 'localhost')) return null;
    const why = `${address} is this machine's own or link-local; name it as an address under network: to allow it`;
    return { why, lacks: to.host === 'localhost' ? to.host : address };
  }
  if (notPublic.check(address, family) && !named) {
    return { why: `${address} is a private address; name its host under network: to allow it`, lacks: to.host };
  }
  return null;
}

/** By an entry of its own, such as `example.com`, `*.example.com` or `10.0.0.5:5432`; `*` alone names nobody. */
function isNamed(hosts: readonly string[], { host, port }: Destination): boolean {
  const wanted = host.toLowerCase().replace(/\.$/, '');
  return hosts.some((entry) => {
    if (entry === '*') return false;
    const [, name = '', only] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (only !== undefined && Number(only) !== port) return false;
    return name.startsWith('*.') ? wanted.endsWith(name.slice(1)) : wanted === name;
  });
}

/** A public address that is this machine's own leads to what listens here, too, in whatever words it is said. */
function isOfThisHost(address: string, family: 'ipv4' | 'ipv6'): boolean {
  const here = new BlockList();
  for (const each of Object.values(networkInterfaces())) {
    for (const one of each ?? []) here.addAddress(one.address, one.family === 'IPv6' ? 'ipv6' : 'ipv4');
  }
  return here.check(address, family);
}

/** A host and perhaps a port, as requests name them; null when it is neither a name nor an address in brackets, or no port. */
export function destinationOf(text: string, otherwise: number): Destination | null {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const number = port === undefined ? otherwise : Number(port);
  return host === undefined || number < 1 || number > 65_535 ? null : { host, port: number };
}
