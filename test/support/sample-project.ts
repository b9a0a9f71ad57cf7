/** A bare origin with a small project on it, and a person's clone for looking and pushing. */

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ObjectId } from '../../src/core/ids.ts';
import { tempFolder } from './temp.ts';

const run = promisify(execFile);

const IDENTITY = ['-c', 'user.name=Ada Tester', '-c', 'user.email=ada@example.test', '-c', 'commit.gpgsign=false'];

export class SampleProject {
  readonly origin: string;
  readonly clone: string;

  private constructor(origin: string, clone: string) {
    this.origin = origin;
    this.clone = clone;
  }

  /** Files by their path; `tasks.yaml` among them. */
  static async create(
    files: Readonly<Record<string, string>>,
    kind: 'bare' | 'checkout' = 'bare',
  ): Promise<SampleProject> {
    const folder = await tempFolder('project');
    const clone = join(folder, 'clone');
    const origin = kind === 'bare' ? join(folder, 'origin.git') : clone;
    await run('git', ['init', '--quiet', '--initial-branch=main', clone]);
    const project = new SampleProject(origin, clone);
    await project.write(files);
    await project.git('add', '-A');
    await project.git('commit', '--quiet', '-m', 'Begin');
    if (kind === 'bare') {
      await run('git', ['clone', '--quiet', '--bare', clone, origin]);
      await project.git('remote', 'add', 'origin', origin);
    }
    return project;
  }

  async git(...args: string[]): Promise<string> {
    const { stdout } = await run('git', [...IDENTITY, '-C', this.clone, ...args], { maxBuffer: 16 * 1024 * 1024 });
    return stdout.trim();
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(this.clone, path)), { recursive: true });
      await writeFile(join(this.clone, path), text);
    }
  }

  /** Commits to main as a person would. */
  async commit(message: string, files: Readonly<Record<string, string>>): Promise<void> {
    if (this.origin !== this.clone) await this.git('pull', '--quiet', '--ff-only', 'origin', 'main');
    await this.write(files);
    await this.git('add', '-A');
    await this.git('commit', '--quiet', '-m', message);
    if (this.origin !== this.clone) await this.git('push', '--quiet', 'origin', 'main');
  }

  /** A command in the origin itself. */
  async originGit(...args: string[]): Promise<string> {
    const { stdout } = await run('git', ['-C', this.origin, ...args], { maxBuffer: 16 * 1024 * 1024 });
    return stdout.trim();
  }

  async tip(): Promise<ObjectId> {
    return (await this.originGit('rev-parse', 'refs/heads/main')) as ObjectId;
  }

  /** A file as it stands on the origin's main. */
  read(path: string): Promise<string> {
    return this.originGit('show', `refs/heads/main:${path}`);
  }

  /** First-parent subjects, newest first. */
  async subjects(): Promise<string[]> {
    return (await this.originGit('log', '--first-parent', '--format=%s', 'refs/heads/main')).split('\n');
  }

  async taskRefs(): Promise<string[]> {
    const text = await this.originGit('for-each-ref', '--format=%(refname)', 'refs/tasks');
    return text === '' ? [] : text.split('\n');
  }
}
