/** Answers that many Pods are found in: asked for once, for all who want them within an interval. */
export interface SharedAnswers<Answer extends object> {
  /**
   * @param how.maxAgeMs An answer that was asked for longer ago is not taken.
   * @param how.taken The answer that this one took last: nobody counts the same twice.
   * @param load Must not reject for what can be expected to go wrong: a failure is an answer too, and holds as long.
   */
  ask(
    key: string,
    how: { readonly maxAgeMs: number; readonly taken: Answer | undefined },
    load: () => Promise<Answer>,
  ): Promise<Answer>;
}

interface Entry<Answer> {
  readonly askedAt: number;
  readonly answer: Promise<Answer>;
  arrived: Answer | undefined;
}

/** What nobody has asked for in this time is dropped. */
const forgottenAfterMs = 10 * 60_000;

export function createSharedAnswers<Answer extends object>(now = () => performance.now()): SharedAnswers<Answer> {
  const entries = new Map<string, Entry<Answer>>();
  const begin = (key: string, load: () => Promise<Answer>): Entry<Answer> => {
    for (const [other, { askedAt }] of entries) if (now() - askedAt > forgottenAfterMs) entries.delete(other);
    const entry: Entry<Answer> = { askedAt: now(), answer: load(), arrived: undefined };
    entries.set(key, entry);
    entry.answer.then(
      (answer) => void (entry.arrived = answer),
      () => void entries.delete(key), // a bug: whoever waits is told, whoever comes next tries again
    );
    return entry;
  };
  return {
    async ask(key, { maxAgeMs, taken }, load) {
      const known = entries.get(key);
      const isFit =
        known !== undefined &&
        now() - known.askedAt < maxAgeMs &&
        (known.arrived === undefined || known.arrived !== taken);
      return (isFit ? known : begin(key, load)).answer;
    },
  };
}
