import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { progressOn, type Progress } from '../../hack/cluster/progress.ts';
import { genops, goPeer } from './contestants.ts';
import { freePort } from '../../hack/servers/free-port.ts';
import { autoscalerFlags, hpa } from './hpa.ts';
import { churn, converge, floor, rest, restart, trickle, update, type Measured } from './lines.ts';
import type { Contestant } from './operators.ts';
import { metrics } from './metrics.ts';
import { report, verdictsOn, type Result } from './report.ts';
import { serve, serving, type Serving } from './serve.ts';
import { serverCosts } from './server-costs.ts';
import { openWorld, type World } from './world.ts';

const runs = Number(process.env['BENCH_RUNS'] ?? 3);
const services = Number(process.env['BENCH_N'] ?? 1000);
/** Of settle, idle and churn, each. */
const restSeconds = Number(process.env['BENCH_REST_SECONDS'] ?? 60);
/** Names of turns, and `metrics`, which needs no cluster. */
const chosen = process.env['BENCH_LINES']?.split(',');
const isChosen = (name: string): boolean => chosen === undefined || chosen.includes(name);
const runTimeoutMs = 900_000;

/** One life of an operator, from nothing to a restart beside all its services. */
async function* life(world: World, signal: AbortSignal): AsyncGenerator<Measured> {
  yield await converge(world, signal);
  yield await rest('settle', world, restSeconds, signal);
  yield await rest('idle', world, restSeconds, signal);
  yield await churn(world, restSeconds, signal);
  yield await update(world, signal);
  yield await restart(world, signal);
}

async function* only(
  line: (world: World, signal: AbortSignal) => Promise<Measured>,
  world: World,
  signal: AbortSignal,
) {
  yield await line(world, signal);
}

interface Turn {
  readonly name: string;
  readonly who: Contestant | undefined;
  readonly controllerFlags?: readonly string[];
  /** Services, where it is not all. */
  readonly count?: number;
  readonly lines: (world: World, signal: AbortSignal) => AsyncGenerator<Measured>;
}

async function* take(
  { who, lines, controllerFlags, count = services }: Turn,
  progress: Progress,
  stop: AbortSignal,
): AsyncGenerator<Result> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(runTimeoutMs)]);
  const contestant = who?.name ?? 'floor';
  await using world = await openWorld(who, { count, signal, ...(controllerFlags && { controllerFlags }) });
  let began = performance.now();
  for await (const measured of lines(world, signal)) {
    const { line, figures } = measured;
    progress.line(
      `  ${contestant} ${line}: ${((performance.now() - began) / 1000).toFixed(1)} s ${JSON.stringify(figures)}`,
    );
    began = performance.now();
    yield { contestant, ...measured };
  }
}

interface MeasureInput {
  /** For the bundle. */
  readonly folder: string;
  readonly progress: Progress;
  readonly stop: AbortSignal;
}

/** Adds to `results` as it goes. Contestants take turns, so that a machine that becomes slower is so for all. */
async function measure(results: Result[], { folder, progress, stop }: MeasureInput): Promise<void> {
  const wanted = chosen?.every((name) => name === 'metrics') === true ? [] : await wantedTurns(folder, progress, stop);
  for (let run = 1; run <= runs; run += 1) {
    progress.line(`run ${run} of ${runs}`);
    for (const turn of wanted) for await (const result of take(turn, progress, stop)) results.push(result);
    if (!isChosen('metrics')) continue;
    const signal = AbortSignal.any([stop, AbortSignal.timeout(runTimeoutMs)]);
    for await (const measured of metrics(progress, signal)) results.push({ contestant: 'genops', ...measured });
  }
}

async function wantedTurns(folder: string, progress: Progress, stop: AbortSignal): Promise<readonly Turn[]> {
  const own = await genops(folder);
  const peers = [await goPeer(progress, stop), own];
  return turns(peers, await serving(own, folder), await freePort()).filter(({ name }) => isChosen(name));
}

/** @param metricsPort For kube-controller-manager's own metrics. */
function turns(peers: readonly Contestant[], server: Serving, metricsPort: number): readonly Turn[] {
  const scaled = { ...server, args: [...server.args, '--allow-metric-address=127.0.0.0/8'] };
  const input = { server: scaled, metricsPort, seconds: restSeconds };
  return [
    { name: 'floor', who: undefined, lines: (world, signal) => only(floor, world, signal) },
    ...peers.map((who): Turn => ({ name: 'life', who, lines: life })),
    ...peers.map((who): Turn => ({ name: 'trickle', who, lines: (world, signal) => only(trickle, world, signal) })),
    {
      name: 'serve',
      who: server,
      lines: (world, signal) => only((one, until) => serve(server, one, until), world, signal),
    },
    {
      name: 'hpa',
      who: scaled,
      lines: (world, signal) => only((one, until) => hpa(input, one, until), world, signal),
      controllerFlags: autoscalerFlags(metricsPort),
    },
    {
      name: 'server-costs',
      who: server,
      lines: (world, signal) => serverCosts(world, restSeconds, signal),
      count: 1,
    },
  ];
}

async function main(stop: AbortSignal): Promise<void> {
  const progress = progressOn(process.stderr);
  const folder = await mkdtemp(join(tmpdir(), 'genops-bench-'));
  const results: Result[] = [];
  try {
    await measure(results, { folder, progress, stop });
  } catch (error) {
    if (results.length === 0) throw error;
    process.exitCode = 1;
    progress.line(`cut short, what was measured until then follows: ${String(error)}`);
  } finally {
    await rm(folder, { recursive: true });
  }
  const machine = `${cpus().length} × ${cpus()[0]?.model}`;
  const about = { date: new Date().toISOString(), machine, count: services, runs };
  const out = join(import.meta.dirname, '../../.cache/bench');
  await mkdir(out, { recursive: true });
  const file = join(out, `${about.date.replaceAll(':', '-').slice(0, 19)}.json`);
  await writeFile(file, JSON.stringify({ about, results }, undefined, 1));
  process.stdout.write(report(results, about));
  if (verdictsOn(results, services).some(({ holds }) => !holds)) process.exitCode = 1;
  progress.line(`all figures: ${file}`);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
await main(stop.signal);
