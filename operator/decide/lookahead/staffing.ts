/** How full slots may be on average, whatever the waiting would be: a queue per Pod is less kind than one for all. */
export const fullest = 0.95;
/** Share of requests that may wait longer than the objective leaves room for. */
export const mayBeLate = 0.02;

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

/** 95th percentile of lognormal service times. */
export function p95Of(serviceSeconds: number, serviceCv: number): number {
  const variance = Math.log(1 + serviceCv * serviceCv);
  return serviceSeconds * Math.exp(1.645 * Math.sqrt(variance) - variance / 2);
}

/** What a request may wait: the objective less the service time of a slow one. */
export const slackOf = (serviceSeconds: number, objectiveSeconds: number, serviceCv: number): number =>
  Math.max(objectiveSeconds - p95Of(serviceSeconds, serviceCv), 0.05 * serviceSeconds);
