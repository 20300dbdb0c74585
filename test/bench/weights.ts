/**
 * What adaptive weights bring over plain least_conn in a model of nginx and six Pods, then before real ones (weights-live.ts), and what changes cost clients (weights-changes.ts).
 * Prints Markdown, and fails when the model misses a goal of docs/decision-quality.md, weights are worse than least_conn before real Pods, a request fails for good, or a reload costs
 * more resets than it may: docs/levers/nginx.md has a run of it. BENCH_ROUNDS: of the live lines.
 */
import { nginxVersions, type NginxVersion } from '../../hack/servers/nginx.ts';
import { effectivePolicy } from '../../operator/decide/effective-policy.ts';
import { settingsOf } from '../../operator/levers/load-balancer/settings.ts';
import { median } from './statistics.ts';
import { paces, runChanges, type ChangesLine } from './weights-changes.ts';
import { openCluster } from './weights-cluster.ts';
import { runLive, type LiveLine } from './weights-live.ts';
import { runCell, slots, type Cell } from './weights-model.ts';

/** BENCH_SEEDS=1: a third of the time. */
const seeds = (process.env['BENCH_SEEDS'] ?? '1,2,3').split(',').map(Number);
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
/** model, live, or a pace of changes; else all of them. */
const only = process.env['BENCH_LINES'];
const choices = ['model', 'live', ...Object.keys(paces)];
if (only !== undefined && !choices.includes(only))
  throw new Error(`saw BENCH_LINES ${only}; wanted one of ${choices.join(', ')}, or none for all`);
const isAsked = (line: string): boolean => only === undefined || only === line;
const slow = (pod: number): number => (pod === 0 ? 3 : 1);
const degrading = (pod: number, minute: number): number =>
  pod === 1 ? 1 + 3 * Math.min(Math.max((minute - 10) / 20, 0), 1) : slow(pod);
/** Away for 20 s, then cold: three times as slow at first, as fast as before after a minute. */
const restarts = [10, 25];
const restarting = (pod: number, minute: number): number => {
  const since = Math.min(...restarts.map((at) => (minute >= at ? minute - at : Infinity)));
  if (pod !== 0 || !Number.isFinite(since)) return 1;
  return since < 1 / 3 ? Infinity : Math.max(1, 3 - 2 * (since - 1 / 3));
};
const rows: readonly (Omit<Cell, 'load'> & { readonly loads: readonly number[] })[] = [
  { name: 'one 3× slower', loads: [0.5, 0.8], slowness: slow },
  { name: 'one 3× slower, one degrading to 4×', loads: [0.5, 0.8, 0.9], slowness: degrading },
  { name: 'all equal', loads: [0.8], slowness: () => 1 },
  { name: 'one restarts cold twice', loads: [0.8, 0.9], slowness: restarting },
];

const { loadBalancer } = effectivePolicy({}).policy;
const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'workflow' };
const components = [{ name: 'workflow', targetRef, serviceRef: { name: 'workflow' } }];
const written = settingsOf({ policy: loadBalancer, nginx: {}, components, slots: { workflow: slots } });
if (written === undefined) throw new Error('the component has a Service');

interface Line {
  readonly cell: Cell;
  readonly ratio: number;
  readonly changes: number;
}

const percent = (part: number): string => `${Math.round(100 * part)} %`;
const ms = (value: number): string => String(Math.round(value));
const p99Text = ({ p99Ms, p99Range: [least, most] }: LiveLine['slow']): string =>
  `${ms(p99Ms)} (${ms(least)}–${ms(most)})`;

function modelled(cell: Cell, settings: Parameters<typeof runCell>[1]): Line {
  const plain = seeds.map((seed) => runCell(cell, undefined, seed).p99Ms);
  const weighed = seeds.map((seed) => runCell(cell, settings, seed));
  const ratio = median(weighed.map(({ p99Ms }, index) => p99Ms / (plain[index] ?? NaN)));
  const changes = Math.max(...weighed.map((run) => run.changes));
  const p99 = [ms(median(plain)), ms(median(weighed.map(({ p99Ms }) => p99Ms)))];
  console.log(`| ${[cell.name, percent(cell.load), ...p99, ratio.toFixed(2), changes].join(' | ')} |`);
  return { cell, ratio, changes };
}

const isSlowAtHalf = ({ cell: { name, load } }: Line): boolean => name.includes('slower') && load === 0.5;
function missedBy(line: Line): readonly string[] {
  const { cell, ratio, changes } = line;
  const [most, mostChanges] = [isSlowAtHalf(line) ? 0.9 : 1.02, cell.name === 'all equal' ? 0 : 40];
  const where = `${cell.name} at ${percent(cell.load)}`;
  return [
    ...(ratio > most ? [`${where}: ${ratio.toFixed(3)} × least_conn, wanted ${most}`] : []),
    ...(changes > mostChanges ? [`${where}: ${changes} changes, wanted ${mostChanges}`] : []),
  ];
}

/** Requests on a kept connection that a reload may cost. */
const mostResetsEach = 0.2;
const missedResets = (what: string, resets: number, loads: number): readonly string[] =>
  resets > mostResetsEach * loads
    ? [`${what}: ${resets} resets by ${loads} reloads, wanted ${mostResetsEach} each`]
    : [];

/** Beside plain least_conn at the same time; runs of one and the same are up to 20 % apart. */
const [mostSlow, mostRecovering] = [1.02, 1.2];

/** What is missed. */
function printedLive(version: NginxVersion, lines: readonly LiveLine[]): readonly string[] {
  console.log(
    `\n| nginx ${version}, three Pods, rounds: ${rounds} | one 3× slower: p50 | p99 ms (least–most) | its share | it recovers: p99 ms | its share | reloads | resets | errors |`,
  );
  console.log('|---|--:|--:|--:|--:|--:|--:|--:|--:|');
  for (const { contestant, slow: one, recovering, loads, failures } of lines) {
    const figures = [ms(one.p50Ms), p99Text(one), percent(one.share), p99Text(recovering), percent(recovering.share)];
    console.log(`| ${[contestant, ...figures, loads, failures.resets, failures.errors].join(' | ')} |`);
  }
  const [plain, weighed] = ['least_conn', 'least_conn, weights'].map((name) =>
    lines.find(({ contestant }) => contestant === name),
  );
  const ratioOf = (phase: 'slow' | 'recovering'): number =>
    (weighed?.[phase].p99Ms ?? NaN) / (plain?.[phase].p99Ms ?? NaN);
  const most = { slow: mostSlow, recovering: mostRecovering };
  return [
    ...(['slow', 'recovering'] as const).flatMap((phase) =>
      ratioOf(phase) <= most[phase]
        ? []
        : [`nginx ${version}, ${phase}: p99 ${ratioOf(phase).toFixed(2)} × least_conn, wanted ${most[phase]}`],
    ),
    ...lines.flatMap(({ contestant, loads, failures: { resets, errors } }) => [
      ...(errors > 0 ? [`nginx ${version}, ${contestant}: ${errors} errors, wanted 0`] : []),
      ...missedResets(`nginx ${version}, ${contestant}`, resets, loads),
    ]),
  ];
}

/** What is missed. */
function printedChanges(pace: string, { version, loads, requests, resets, failed }: ChangesLine): readonly string[] {
  const reset = `${resets} reset${loads === 0 ? '' : ` (${(resets / loads).toFixed(2)} a reload)`}`;
  const what = `nginx ${version}, 60 weights and 60 Pods changed in ${pace}`;
  console.log(
    `\n${what}: ${loads} reloads, ${requests} requests on kept connections, ${reset}, ${failed} failed after one retry`,
  );
  return [
    ...(failed > 0 ? [`${what}: ${failed} failed after one retry, wanted 0`] : []),
    ...missedResets(what, resets, loads),
  ];
}

const missed: string[] = [];
if (isAsked('model')) {
  console.log('| Pods | load | least_conn p99 ms | with weights | ratio | changes in 40 min |');
  console.log('|---|--:|--:|--:|--:|--:|');
  for (const { loads, ...row } of rows)
    for (const load of loads) missed.push(...missedBy(modelled({ ...row, load }, written.settings)));
}
if (only !== 'model') {
  const signal = AbortSignal.timeout(7_200_000);
  await using cluster = await openCluster(signal);
  if (isAsked('live'))
    for (const version of nginxVersions)
      missed.push(...printedLive(version, await runLive(cluster, version, rounds, signal)));
  for (const [pace, given] of Object.entries(paces))
    if (isAsked(pace)) {
      const seen = await Promise.all(nginxVersions.map((version) => runChanges(cluster, version, given, signal)));
      missed.push(...seen.flatMap((line) => printedChanges(pace, line)));
    }
}
for (const text of missed) console.log(`missed: ${text}`);
if (missed.length > 0) process.exitCode = 1;
