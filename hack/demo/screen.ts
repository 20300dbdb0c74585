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
const backOver = (count: number): string => (count === 0 ? '' : `\u001B[${count}A\r${eraseBelow}`);

export function screenOn(out: Pick<WriteStream, 'write' | 'isTTY' | 'columns'>): Screen {
  let drawn = 0;
  return {
    isTerminal: out.isTTY,
    draw(lines) {
      const rows = lines.flatMap((line) => wrapped(line, Math.max(out.columns - 1, 40)));
      out.write(`${backOver(drawn)}${rows.join('\n')}\n`);
      drawn = rows.length;
    },
    say(line) {
      out.write(`${backOver(drawn)}${line}\n`);
      drawn = 0;
    },
  };
}

/** Where the words of a row begin: after the name of it. */
const indent = 12;

/** A line that the terminal itself would break could not be drawn over: broken between words, the rest set in. */
export function wrapped(line: string, width: number): readonly string[] {
  if (line.length <= width) return [line];
  const space = line.lastIndexOf(' ', width);
  const end = space > indent ? space : width;
  return [line.slice(0, end), ...wrapped(`${' '.repeat(indent)}${line.slice(end).trimStart()}`, width)];
}
