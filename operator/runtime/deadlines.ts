export interface Deadlines {
  /** @throws What the command throws, or that it got no answer. */
  readonly within: <T>(command: Promise<T>) => Promise<T>;
  /** Commands under way. */
  readonly pending: number;
}

type Reject = (error: Error) => void;

/** Ends the wait for commands between one and two times `everyMs` after they were sent. By one timer for all: one for each costs a tenth of a command to Redis. */
export function createDeadlines(everyMs: number): Deadlines {
  let [older, newer] = [new Set<Reject>(), new Set<Reject>()];
  let timer: NodeJS.Timeout | undefined;
  const turn = (): void => {
    for (const reject of older) reject(new Error('Command timed out'));
    [older, newer] = [newer, new Set()];
    timer = older.size === 0 ? undefined : setTimeout(turn, everyMs).unref();
  };
  return {
    within: (command) =>
      new Promise((resolve, reject) => {
        newer.add(reject);
        timer ??= setTimeout(turn, everyMs).unref();
        const ended = (): unknown => newer.delete(reject) || older.delete(reject);
        command.then(
          (answer) => {
            ended();
            return resolve(answer);
          },
          (error: Error) => {
            ended();
            return reject(error);
          },
        );
      }),
    get pending() {
      return older.size + newer.size;
    },
  };
}
