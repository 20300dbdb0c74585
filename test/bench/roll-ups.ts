import { objectiveNames } from '../../operator/api/status.ts';
import { createStandings, type Look } from '../../operator/metrics/standings.ts';

/** What 1000 services keep of their six objectives for attainment and burn rates. Run with --expose-gc. */
const services = 1_000;
const looks = 100;
const intervalMs = 10_000;
const dayMs = 86_400_000;

function used(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

/** MB kept, with attainment over `days`. */
function measure(days: number): number {
  const before = used();
  const standings = createStandings();
  const looked = objectiveNames.map((name) => ({ name, judged: 'Met' as const, goal: 1, observation: undefined }));
  const look: Omit<Look, 'now'> = {
    looked,
    insideSince: {},
    attainmentWindowMs: days * dayMs,
    intervalMs,
    saved: () => undefined,
  };
  const startedAt = performance.now();
  for (let now = 1; now <= looks; now++)
    for (let service = 0; service < services; service++)
      standings.note(
        { metadata: { namespace: 'ai', name: `s${service}`, uid: 'u' } },
        { ...look, now: now * intervalMs },
      );
  const perLook = (performance.now() - startedAt) / (services * looks);
  const memory = used() - before;
  const kept = [...standings.all()];
  const readAt = performance.now();
  for (const standing of kept) for (const name of objectiveNames) standing.burnRates(name, looks * intervalMs);
  const perRead = (performance.now() - readAt) / kept.length;
  process.stdout.write(
    `${kept.length} services, attainment over ${days} d: ${memory.toFixed(1)} MB; a look ${(perLook * 1_000).toFixed(1)} us; the burn rates of six objectives ${(perRead * 1_000).toFixed(0)} us\n`,
  );
  return memory;
}

const [dayMegabytes, monthMegabytes] = [measure(1), measure(30)];
process.send?.({ dayMegabytes, monthMegabytes });
