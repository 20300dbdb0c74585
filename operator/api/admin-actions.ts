/** The actions that the operator asks Pods for, and the figures that each answers with. A workload may have others, which are nobody's business here. */
export const adminActions = {
  /** Resident memory before and after, and what that freed, of the heap too; bytes. Less than nothing where others took more meanwhile. */
  'collect-garbage': ['beforeBytes', 'afterBytes', 'freedBytes', 'heapFreedBytes'],
  /** Entries that had expired and are gone. */
  'clear-expired-cache': ['entries'],
  /** Keys of those most often read that are in the cache now. */
  'warm-cache': ['keys'],
  /** Runs with the settings of the body, as they stand in the ConfigMap. Which it ran with before and runs with now: `hash`, read as a hexadecimal number. */
  'apply-settings': ['hashBefore', 'hash'],
} as const satisfies Record<string, readonly string[]>;

export type AdminAction = keyof typeof adminActions;

export type AdminResult<Action extends AdminAction> = Readonly<Record<(typeof adminActions)[Action][number], number>>;

/** What a Pod answered, where it has every figure of the action; undefined: it is something else. */
export function adminResult<Action extends AdminAction>(
  action: Action,
  answer: unknown,
): AdminResult<Action> | undefined {
  const found = Object(answer) as Readonly<Record<string, unknown>>;
  const figures = adminActions[action].map((name) => [name, found[name]] as const);
  if (!figures.every(([, figure]) => Number.isFinite(figure))) return undefined;
  return Object.fromEntries(figures) as AdminResult<Action>;
}
