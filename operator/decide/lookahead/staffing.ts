/** How full slots may be on average, whatever the waiting would be: a queue per Pod is less kind than one for all. */
const fullest = 0.95;
/** Share of requests that may wait longer than the objective leaves room for. */
const mayBeLate = 0.02;

/** Work as it is staffed for. */
export interface Work {
  /** Slots that are busy on average. */
  readonly offered: number;
  readonly serviceSeconds: number;
  /** Standard deviation of the service time by its mean. */
  readonly serviceCv: number;
  /** How long a request may wait and still meet the objective. */
  readonly slackSeconds: number;
}

/**
 * The fewest slots with which at most 2 % of requests wait longer than the slack, and no more than 95 % are busy.
 *
 * Erlang C for the chance to wait, an exponential for how long, stretched by how service times vary (Allen and Cunneen).
 */
export function slotsFor({ offered, serviceSeconds, serviceCv, slackSeconds }: Work): number {
  if (offered <= 0) return 0;
  const least = Math.max(1, Math.ceil(offered / fullest));
  const drainSeconds = (serviceSeconds * (1 + serviceCv * serviceCv)) / 2;
  let blocked = 1; // Erlang B, slot by slot
  for (let slots = 1; ; slots++) {
    blocked = (offered * blocked) / (slots + offered * blocked);
    if (slots < least) continue;
    const spare = slots - offered;
    const waits = (slots * blocked) / (spare + offered * blocked);
    if (waits * Math.exp((-spare * slackSeconds) / drainSeconds) <= mayBeLate) return slots;
  }
}
