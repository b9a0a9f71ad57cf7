/**
 * A small disk of its own below a folder, by a tmpfs, which can be filled and be emptied again. Owns the mount; the section
 * runs in a mount namespace of its own (scripts/faults.js), so that no mount outlives its processes.
 */

import { execFile } from 'node:child_process';
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { codeOf } from '../../src/core/thrown.ts';

const run = promisify(execFile);
const MEBIBYTE = 1024 * 1024;
/** What others free is taken again so soon. */
const AGAIN_EVERY_MS = 10;
const PIECES = [Buffer.alloc(MEBIBYTE, 1), Buffer.alloc(4_096, 1), Buffer.alloc(64, 1)];

export class SmallDisk {
  readonly folder: string;
  readonly #filler: string;
  #filling: { readonly over: AbortController; readonly done: Promise<void> } | null = null;

  private constructor(folder: string) {
    this.folder = folder;
    this.#filler = join(folder, 'filler');
  }

  static async mount(folder: string, mebibytes: number): Promise<SmallDisk> {
    await mkdir(folder, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0711`, 'tributary-faults', folder]);
    return new SmallDisk(folder);
  }

  /** Leaves only so much free, so that filling it takes little memory. */
  async shrink(freeMebibytes: number): Promise<void> {
    const { blocks, bavail, bsize } = statfsSync(this.folder);
    const size = (blocks - bavail) * bsize + freeMebibytes * MEBIBYTE;
    await run('mount', ['-o', `remount,size=${size}`, this.folder]);
  }

  /** Not a byte is left when this returns, nor is one later for long. */
  fill(): void {
    if (this.#filling !== null) return;
    const over = new AbortController();
    const file = openSync(this.#filler, 'a');
    fillUp(file);
    const keepFull = async (): Promise<void> => {
      while (!over.signal.aborted) {
        fillUp(file);
        await pause(AGAIN_EVERY_MS, undefined, { signal: over.signal }).catch(() => undefined);
      }
      closeSync(file);
    };
    this.#filling = { over, done: keepFull() };
  }

  /** There is room again. */
  async free(): Promise<void> {
    this.#filling?.over.abort();
    await this.#filling?.done;
    this.#filling = null;
    rmSync(this.#filler, { force: true });
  }

  async unmount(): Promise<void> {
    await this.free();
    await run('umount', ['--lazy', this.folder]);
  }
}

function fillUp(file: number): void {
  for (const piece of PIECES) {
    try {
      // Less than was asked for is the end of it as well.
      while (writeSync(file, piece) === piece.length);
    } catch (error) {
      if (codeOf(error) !== 'ENOSPC') throw error;
    }
  }
}
