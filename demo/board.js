/** The progress of all tasks: a table that is drawn over itself on a terminal, a line for each change elsewhere. */

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const FRAME_MS = 100;
const ENDS = new Set(['landed', 'unchanged', 'failed', 'rejected', 'canceled']);
const COLOURS = {
  landed: 32,
  landing: 36,
  running: 36,
  waiting: 33,
  unchanged: 2,
  failed: 31,
  rejected: 31,
  canceled: 31,
};

export class Board {
  #out;
  #live;
  #startedMs = Date.now();
  #rows = [];
  #drawn = 0;
  #frame = 0;
  #timer = null;
  #said = new Map();

  /** @param {NodeJS.WriteStream} out */
  constructor(out) {
    this.#out = out;
    this.#live = out.isTTY && process.env.TERM !== 'dumb' && (out.rows ?? 24) > 12;
  }

  /** Shows the tasks as `tasks list --json` gives them. */
  show(rows) {
    this.#rows = rows;
    if (!this.#live) return this.#sayChanges();
    this.#draw();
    this.#timer ??= setInterval(() => this.#draw(), FRAME_MS);
    this.#timer.unref();
  }

  /** Says something between: above the table on a terminal. */
  say(line) {
    this.#erase();
    this.#out.write(`${line}\n`);
    if (this.#timer !== null) this.#draw();
  }

  /** Leaves the table as it is. */
  end() {
    if (this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
      this.#draw();
    }
    this.#drawn = 0;
  }

  #sayChanges() {
    const seconds = ((Date.now() - this.#startedMs) / 1_000).toFixed(1).padStart(5);
    for (const row of this.#rows) {
      const [, state, note] = cells(row);
      const news = `${state} ${note}`;
      if (this.#said.get(row.id) === news) continue;
      this.#said.set(row.id, news);
      this.#out.write(`${seconds} s  ${row.id}  ${row.title}: ${state}${note === '' ? '' : `, ${note}`}\n`);
    }
  }

  #erase() {
    if (this.#drawn > 0) this.#out.write(`\u001B[${this.#drawn}A\u001B[0J`);
    this.#drawn = 0;
  }

  #draw() {
    this.#frame += 1;
    const width = (this.#out.columns ?? 80) - 1;
    const titles = Math.max(...this.#rows.map(({ title }) => title.length), 0);
    const lines = this.#rows.map((row) => {
      const [sign, state, note] = cells(row, FRAMES[this.#frame % FRAMES.length]);
      // Cut as plain text, so that no colour is cut in half.
      const text = `${sign} ${row.id.slice(0, 6)}  ${row.title.padEnd(titles)}  ${state}${note === '' ? '' : `, ${note}`}`;
      return colour(text.length > width ? `${text.slice(0, width - 1)}…` : text, COLOURS[row.state]);
    });
    const ended = this.#rows.filter(({ state }) => ENDS.has(state)).length;
    const seconds = ((Date.now() - this.#startedMs) / 1_000).toFixed(1);
    lines.push(`${ended} of ${this.#rows.length} have ended, ${seconds} s`);
    this.#erase();
    this.#out.write(`${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }
}

function cells(row, frame = '·') {
  const sign = row.state === 'landed' ? '✓' : ENDS.has(row.state) ? '✗' : row.state === 'waiting' ? '?' : frame;
  const state = row.state === 'running' && row.phase !== null ? row.phase : row.state;
  const notes = [];
  if (row.waitingFor !== null) notes.push(row.waitingFor.text.split('\n', 1)[0]);
  if (row.commit !== null) notes.push(row.commit.slice(0, 10));
  if (row.revisions > 0 && row.phase !== 'revise')
    notes.push(row.revisions === 1 ? 'revised once' : `revised ${row.revisions} times`);
  if (row.failure !== null) notes.push(row.failure.message);
  return [sign, state, notes.join(', ')];
}

function colour(text, code) {
  return code === undefined || process.env.NO_COLOR ? text : `\u001B[${code}m${text}\u001B[0m`;
}
