import { Writable } from 'node:stream';
import { progressOn, type Progress } from '../cluster/progress.ts';

/** Progress that calls a step which ended with the signal stopped, not failed: nothing was wrong with it. */
export function stoppable(out: Pick<Writable, 'write'>, signal: AbortSignal): Progress {
  const words = new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      out.write(signal.aborted ? line.replace(/: failed after (\S+ s\n)$/, ': stopped after $1') : line);
      done();
    },
  });
  return progressOn(words);
}
