/**
 * Machines of one network on this one: a network namespace each, with an address of a range that is for documentation,
 * on a bridge in a namespace of its own. Nothing of it can be reached from outside, nor reaches out. Owns the
 * namespaces; `close` ends what runs in them and removes them.
 */

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, openSync, closeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sendSignal } from '../../src/process/proc.ts';
import { eventually } from '../support/eventually.ts';
import { program, type Ran } from './commands.ts';

const run = promisify(execFile);
const IP = ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip'].find((path) => existsSync(path)) ?? 'ip';
const PREFIX = '192.0.2.';
const FIRST = 10;

/** What there must be, and is not; null: all is there. */
export async function missingForNetwork(): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  if (!existsSync(IP)) return 'ip is missing (apt-get install iproute2)';
  const probe = `trib-${process.pid}-probe`;
  try {
    await run(IP, ['netns', 'add', probe]);
    await run(IP, ['netns', 'delete', probe]);
    return null;
  } catch (error) {
    return `network namespaces cannot be made here: ${String(error).split('\n')[0]}`;
  }
}

export class Network {
  readonly #hosts: string;
  readonly #switch = `trib-${process.pid}-switch`;
  readonly #machines = new Map<string, { readonly namespace: string; readonly port: string }>();

  private constructor(folder: string) {
    this.#hosts = join(folder, 'hosts');
  }

  /** Machines by their names, by which each knows all others. */
  static async make(folder: string, names: readonly string[]): Promise<Network> {
    const network = new Network(folder);
    try {
      await network.#make(names);
      return network;
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  async #make(names: readonly string[]): Promise<void> {
    const lines = names.map((name, index) => `${PREFIX}${FIRST + index} ${name}`);
    await writeFile(this.#hosts, `127.0.0.1 localhost\n${lines.join('\n')}\n`);
    await run(IP, ['netns', 'add', this.#switch]);
    await run(IP, ['-n', this.#switch, 'link', 'add', 'br0', 'type', 'bridge']);
    await run(IP, ['-n', this.#switch, 'link', 'set', 'br0', 'up']);
    for (const [index, name] of names.entries()) {
      const machine = { namespace: `trib-${process.pid}-${name}`, port: `port${index}` };
      const { namespace, port } = machine;
      await run(IP, ['netns', 'add', namespace]);
      this.#machines.set(name, machine);
      const veth = ['link', 'add', port, 'netns', this.#switch, 'type', 'veth'];
      await run(IP, [...veth, 'peer', 'name', 'eth0', 'netns', namespace]);
      await run(IP, ['-n', this.#switch, 'link', 'set', port, 'master', 'br0', 'up']);
      await run(IP, ['-n', namespace, 'link', 'set', 'lo', 'up']);
      await run(IP, ['-n', namespace, 'address', 'add', `${PREFIX}${FIRST + index}/24`, 'dev', 'eth0']);
      await run(IP, ['-n', namespace, 'link', 'set', 'eth0', 'up']);
    }
  }

  #of(name: string) {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new Error(`there is no machine ${name}`);
    return machine;
  }

  /** How a command is run on a machine; the machine's own /etc/hosts is this one's alone. */
  #on(name: string, command: readonly string[]): readonly [string, ...string[]] {
    const { namespace } = this.#of(name);
    const script = 'hosts=$1; shift; mount --bind "$hosts" /etc/hosts && exec "$@"';
    return [IP, 'netns', 'exec', namespace, '/bin/sh', '-c', script, 'sh', this.#hosts, ...command];
  }

  /** Runs a command on a machine to its end. */
  run(
    name: string,
    command: readonly string[],
    options: { readonly cwd: string; readonly env: Readonly<Record<string, string>>; readonly timeoutMs?: number },
  ): Promise<Ran> {
    return program(this.#on(name, command), options);
  }

  /** Starts a command on a machine, its output into a file. */
  start(
    name: string,
    command: readonly string[],
    options: { readonly cwd: string; readonly env: Readonly<Record<string, string>>; readonly log: string },
  ): ChildProcess {
    const [file, ...args] = this.#on(name, command);
    const log = openSync(options.log, 'a');
    try {
      return spawn(file, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', log, log] });
    } finally {
      closeSync(log);
    }
  }

  /** Pulls a machine's cable. */
  async cutOff(name: string): Promise<void> {
    await run(IP, ['-n', this.#switch, 'link', 'set', this.#of(name).port, 'down']);
  }

  async bringBack(name: string): Promise<void> {
    await run(IP, ['-n', this.#switch, 'link', 'set', this.#of(name).port, 'up']);
  }

  /** The processes of a machine; those in sandboxes, which have networks of their own, are their descendants. */
  async processesOn(name: string): Promise<readonly number[]> {
    const { stdout } = await run(IP, ['netns', 'pids', this.#of(name).namespace]);
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [Number(line)]));
  }

  /** Kills all that runs on a machine by SIGKILL, as when its power goes. */
  async powerOff(name: string): Promise<void> {
    await eventually(`nothing to run on ${name}`, async () => {
      const pids = await this.processesOn(name);
      for (const pid of pids) sendSignal(pid, 'SIGKILL');
      return pids.length === 0;
    });
  }

  /** @returns what could not be removed */
  async close(): Promise<readonly string[]> {
    const wrong: string[] = [];
    for (const name of this.#machines.keys()) {
      await this.powerOff(name).catch((error: unknown) => wrong.push(String(error)));
    }
    const namespaces = [...[...this.#machines.values()].map(({ namespace }) => namespace), this.#switch];
    for (const namespace of namespaces) {
      await run(IP, ['netns', 'delete', namespace]).catch((error: unknown) => wrong.push(String(error)));
    }
    return wrong;
  }
}
