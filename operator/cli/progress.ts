import type { Output } from './command.ts';

/** A line that tells how long work goes. */
export interface Progress extends Disposable {
  show(text: string): void;
}

/** On a terminal one line that is written anew, with the time left; elsewhere a line for each thing that is new. Disposing it wipes the former. */
export function openProgress(err: Output, untilMs: number): Progress {
  if (err.isTTY !== true) return plainProgress(err);
  let shown = '';
  const draw = (): unknown =>
    shown === '' ? undefined : err.write(`\r\x1b[K${shown} (${timeText(untilMs - Date.now())} left)`);
  const timer = setInterval(draw, 1_000); // the time left moves by itself
  return {
    show(text) {
      shown = text;
      draw();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      if (shown !== '') err.write('\r\x1b[K');
    },
  };
}

function plainProgress(err: Output): Progress {
  let last = '';
  return {
    show(text) {
      if (text !== last) err.write(`${text}\n`);
      last = text;
    },
    [Symbol.dispose]: () => undefined,
  };
}

/** `9m05s` */
export function timeText(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  return minutes === 0 ? `${rest}s` : `${minutes}m${String(rest).padStart(2, '0')}s`;
}
