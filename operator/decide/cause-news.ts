/** The words of a condition look by look; ms since the epoch. */
export interface CauseSeen {
  /** What status has said lately, and until when. */
  readonly shownAt: ReadonlyMap<string, number>;
  /** What the look before found, and since when. */
  readonly found: string | undefined;
  readonly since: number;
}

export interface CauseLook {
  /** Of the look before. */
  readonly before: CauseSeen | undefined;
  /** As it stands in status; undefined where the condition is well there. */
  readonly shown: string | undefined;
  /** What is found now; undefined where all is well. */
  readonly found: string | undefined;
  readonly now: number;
}

/** So long what status said is not new when it comes back. */
const rememberedMs = 300_000;
/** So long it has to stand then. */
const stoodMs = 60_000;
/** More causes than these in that time are no repair any more, but words that never stay. */
const mostCauses = 5;

/**
 * Whether a condition that keeps its reason has another cause to tell: at once one that status has not said lately, since somebody repairs one thing
 * after another; one that it has said, only after it has stood for a minute: what takes turns with each look is no write with each.
 */
export function causeNews({ before, shown, found, now }: CauseLook): {
  readonly seen: CauseSeen;
  readonly isNews: boolean;
} {
  const shownAt = new Map([...(before?.shownAt ?? [])].filter(([, at]) => now - at < rememberedMs));
  if (shown !== undefined) shownAt.set(causeOf(shown), now);
  const cause = found === undefined ? undefined : causeOf(found);
  const since = before !== undefined && before.found === cause ? before.since : now;
  const seen = { shownAt, found: cause, since };
  if (cause === undefined || shown === undefined || cause === causeOf(shown)) return { seen, isNews: false };
  const isNew = !shownAt.has(cause) && shownAt.size <= mostCauses;
  return { seen, isNews: isNew || now - since >= stoodMs };
}

/** Of whichever Pod it was told: that another is the first to be named is no other cause. */
const causeOf = (message: string): string =>
  message.replaceAll(/\/\/[^/\s]+|\bPod \S+|\b\d{1,3}(?:\.\d{1,3}){3}\b/g, '');
