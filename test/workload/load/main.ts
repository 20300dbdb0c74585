import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { constant, parseProfile } from './profile.ts';
import type { Latency, Second } from './recorder.ts';
import { parseRequest } from './requests.ts';
import { runLoad, type LoadSummary } from './run.ts';

const usage = `An open-loop load: requests are sent when they are due and timed from then, however the server does.

  node test/workload/load/main.ts --url http://10.244.0.7:8080 --url … --profile 50@0,50@60,200@30

  --url URL              a base URL; several are taken in turn (loopback, or in a range of --allow)
  --allow CIDR           a range of the test cluster's Pods or Services
  --profile R@S,…        in S seconds go in a straight line to R requests a second; or --rate R --seconds S
  --request '[W] M PATH' what to send, with its weight; {1-500} is a random integer   (GET /)
  --uniform              even gaps instead of a Poisson process
  --seed N               the same seed sends the same requests at the same times      (1)
  --max-in-flight N      beyond it requests are refused, and counted                  (1000)
  --timeout MS           of one request                                               (65000)
  --connection-lifetime MS  replace connections, so that a Service's address spreads over its Pods
  --json                 the account as JSON`;

const { values } = parseArgs({
  options: {
    url: { type: 'string', multiple: true, default: [] },
    allow: { type: 'string', multiple: true, default: [] },
    profile: { type: 'string' },
    rate: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '10' },
    request: { type: 'string', multiple: true, default: ['GET /'] },
    uniform: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    'max-in-flight': { type: 'string', default: '1000' },
    timeout: { type: 'string', default: '65000' },
    'connection-lifetime': { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help || values.url.length === 0) {
    console.error(usage);
    return values.help ? 0 : 2;
  }
  const stop = new AbortController();
  void once(process, 'SIGINT').then(() => stop.abort());
  const lifetime = values['connection-lifetime'];
  const options = {
    profile:
      values.profile === undefined
        ? constant(Number(values.rate), Number(values.seconds))
        : parseProfile(values.profile),
    arrivals: values.uniform ? ('Uniform' as const) : ('Poisson' as const),
    seed: Number(values.seed),
    targets: () => values.url,
    requests: values.request.map(parseRequest),
    allow: values.allow,
    maxInFlight: Number(values['max-in-flight']),
    timeoutMs: Number(values.timeout),
    ...(lifetime === undefined ? {} : { connectionLifetimeMs: Number(lifetime) }),
    ...(values.json ? {} : { onSecond: (second: Second) => console.log(secondLine(second)) }),
  };
  const summary = await runLoad(options, stop.signal);
  console.log(values.json ? JSON.stringify(summary, undefined, 2) : account(summary));
  return summary.complete ? 0 : 1;
}

function secondLine({ second, sent, done, errors, refused, inFlight, oldestMs, p50Ms, p99Ms }: Second): string {
  const counts = `sent ${sent}  done ${done}  errors ${errors}  refused ${refused}  in flight ${inFlight}`;
  const oldest = oldestMs > 1000 ? `  oldest ${milliseconds(oldestMs)}` : '';
  return `${String(second).padStart(4)} s  ${counts}  p50 ${milliseconds(p50Ms)}  p99 ${milliseconds(p99Ms)}${oldest}`;
}

function account(summary: LoadSummary): string {
  const { sent, done, errors, refused, statuses, failures, latency, startDelay } = summary;
  return [
    `sent ${sent}, done ${done}, errors ${errors}, refused ${refused}`,
    `answers ${JSON.stringify(statuses)}, failures ${JSON.stringify(failures)}`,
    `from due to done   ${latencyLine(latency)}`,
    `from due to sent   ${latencyLine(startDelay)}`,
  ].join('\n');
}

function latencyLine(latency: Latency | null): string {
  if (latency === null) return 'nothing';
  const { p50Ms, p95Ms, p99Ms, p999Ms, maxMs } = latency;
  const [p50, p95, p99, p999, max] = [p50Ms, p95Ms, p99Ms, p999Ms, maxMs].map(milliseconds);
  return `p50 ${p50}  p95 ${p95}  p99 ${p99}  p99.9 ${p999}  max ${max}`;
}

function milliseconds(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
