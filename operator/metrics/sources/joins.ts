/** Which namespaces one query asks for: all whose services lately asked a server for the same. */
export interface Joins {
  /** @param question What is asked, of which server. @param maxAgeMs As long as answers count: who joins within it is asked for alone. @returns Namespaces in order, this one among them. */
  of(question: string, namespace: string, maxAgeMs: number): readonly string[];
  /** An answer for so many was no use: they are asked for in halves. @returns Whether there is anything to halve. */
  halve(question: string, count: number): boolean;
}

interface Joined {
  /** When each namespace was asked for last, ms of a clock that never jumps. */
  readonly askedAt: Map<string, number>;
  groups: readonly (readonly string[])[];
  groupedAt: number;
  most: number;
  halvedAt: number;
}

/** A query that Prometheus works off in one go, and whose text stays short. */
const mostTogether = 32;
/** Who has not asked in this time is left out. */
const forgottenAfterMs = 10 * 60_000;
/** Then there may be fewer Pods. */
const halvedForMs = 60 * 60_000;

export function createJoins(now = () => performance.now()): Joins {
  const questions = new Map<string, Joined>();
  const joinedOf = (question: string): Joined => {
    const known = questions.get(question);
    if (known !== undefined) return known;
    for (const [other, { askedAt }] of questions)
      if (askedAt.values().every((at) => now() - at > forgottenAfterMs)) questions.delete(other);
    const joined = newJoined();
    questions.set(question, joined);
    return joined;
  };
  return {
    of(question, namespace, maxAgeMs) {
      const [joined, at] = [joinedOf(question), now()];
      joined.askedAt.set(namespace, at);
      if (at - joined.groupedAt >= maxAgeMs) group(joined, at);
      return joined.groups.find((names) => names.includes(namespace)) ?? [namespace];
    },
    halve(question, count) {
      if (count < 2) return false;
      const [joined, at] = [joinedOf(question), now()];
      joined.most = Math.min(joined.most, Math.floor(count / 2));
      joined.halvedAt = at;
      group(joined, at);
      return true;
    },
  };
}

const newJoined = (): Joined => ({
  askedAt: new Map(),
  groups: [],
  groupedAt: -Infinity,
  most: mostTogether,
  halvedAt: -Infinity,
});

function group(joined: Joined, at: number): void {
  for (const [name, askedAt] of joined.askedAt) if (at - askedAt > forgottenAfterMs) joined.askedAt.delete(name);
  if (at - joined.halvedAt > halvedForMs) joined.most = mostTogether;
  const names = [...joined.askedAt.keys()].toSorted();
  const { most } = joined;
  joined.groups = Array.from({ length: Math.ceil(names.length / most) }, (_, index) =>
    names.slice(index * most, (index + 1) * most),
  );
  joined.groupedAt = at;
}
