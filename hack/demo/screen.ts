import type { WriteStream } from 'node:tty';

/** A block of lines that is drawn over itself on a terminal. */
export interface Screen {
  readonly isTerminal: boolean;
  /** Replaces what it drew before. */
  draw(lines: readonly string[]): void;
  /** A line that stays, above the next block. */
  say(line: string): void;
}

const eraseBelow = '\u001B[0J';
const upLines = (count: number): string => (count === 0 ? '' : `\u001B[${count}A\r`);

export function screenOn(out: Pick<WriteStream, 'write' | 'isTTY' | 'columns'>): Screen {
  let drawn = 0;
  return {
    isTerminal: out.isTTY,
    draw(lines) {
      const width = Math.max((out.columns ?? 80) - 1, 20);
      const cut = lines.map((text) => (text.length > width ? `${text.slice(0, width - 1)}…` : text)); // a wrapped line would be two
      out.write(`${upLines(drawn)}${eraseBelow}${cut.join('\n')}\n`);
      drawn = cut.length;
    },
    say(text) {
      out.write(`${out.isTTY ? `${upLines(drawn)}${eraseBelow}` : ''}${text}\n`);
      drawn = 0;
    },
  };
}
