import type { KeptOptimizer } from './kept.ts';

const hourMs = 3_600_000;
/** So many harms within the hour, in so many services, and so large a share of what was judged. */
const [mostHarms, leastServices, harmfulShare] = [3, 2, 0.5];

/**
 * Until when no service acts, since actions do harm in several of them: what is wrong then is no matter of one service (a bad policy, a sick node, we ourselves).
 *
 * @param services What each service keeps. @param now ms since the epoch.
 * @returns ms since the epoch; undefined: they may act.
 */
export function brakedUntil(services: Iterable<Pick<KeptOptimizer, 'records'>>, now: number): number | undefined {
  let judged = 0;
  const harms: { readonly service: number; readonly at: number }[] = [];
  for (const [service, { records }] of [...services].entries())
    for (const { outcome, actedAt } of Object.values(records)) {
      if (now - actedAt >= hourMs) continue;
      judged += Number(outcome === 'Improved' || outcome === 'NoEffect' || outcome === 'Worse');
      if (outcome === 'Worse') harms.push({ service, at: actedAt });
    }
  const isHarmful =
    harms.length >= mostHarms &&
    new Set(harms.map(({ service }) => service)).size >= leastServices &&
    harms.length >= harmfulShare * judged;
  return isHarmful ? Math.min(...harms.map(({ at }) => at)) + hourMs : undefined;
}
