/** Progress of long work, on standard error: one line redrawn on a terminal, plain lines elsewhere. */

import { cutTo } from './render/table.ts';
import { columnsOf, type Output } from './io.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;

export interface Progress {
  /** What goes on now. Elsewhere than on a terminal a line is printed when the text is new. */
  update(text: string): void;
  /** Takes the line away; plain lines stay. */
  stop(): void;
}

/** Shows the spinner at once; nothing at all until the first `update` elsewhere. */
export function showProgress(stderr: Output): Progress {
  return stderr.isTTY === true ? spinner(stderr) : plainLines(stderr);
}

function spinner(stderr: Output): Progress {
  let text = '';
  let frame = 0;
  const draw = (): void => {
    frame += 1;
    const mark = FRAMES[frame % FRAMES.length] ?? '';
    stderr.write(`\r\u001b[2K${cutTo(`${mark} ${text}`, columnsOf(stderr) - 1)}`);
  };
  const timer = setInterval(draw, FRAME_MS);
  return {
    update(next) {
      text = next;
      draw();
    },
    stop() {
      clearInterval(timer);
      stderr.write('\r\u001b[2K');
    },
  };
}

function plainLines(stderr: Output): Progress {
  let last = '';
  return {
    update(text) {
      if (text === last) return;
      last = text;
      stderr.write(`${text}\n`);
    },
    stop: () => undefined,
  };
}
