import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { readTrace, type Trace } from '../simulate/trace.ts';
import { UsageError } from './command.ts';
import { queryTrace } from './prometheus-trace.ts';
import { time } from './simulate-values.ts';

/** Recorded load, and what it is called. */
export interface NamedTrace {
  readonly name: string;
  readonly trace: Trace;
  /** Steps of which nobody knows anything: taken to be as the one before. */
  readonly missing: number;
}

interface TraceValues {
  readonly trace?: string | undefined;
  readonly prometheus?: string | undefined;
  readonly query?: string | undefined;
  readonly last?: string | undefined;
  readonly step?: string | undefined;
}

/**
 * The load of a file, or of a Prometheus.
 *
 * @param now Seconds since the epoch.
 */
export async function traceFrom(values: TraceValues, now: number, signal: AbortSignal): Promise<NamedTrace> {
  const { trace: file, prometheus: url, query } = values;
  if (url === undefined) return { name: basename(file ?? ''), trace: await readTraceFile(file), missing: 0 };
  if (query === undefined)
    throw new UsageError(
      `name what is asked there: --prometheus ${url} --query 'sum(rate(http_server_request_duration_seconds_count{namespace="ai"}[1m]))'`,
    );
  const [last, stepSeconds] = [time('last', values.last), time('step', values.step)];
  const until = Math.floor(now / stepSeconds) * stepSeconds;
  const asked = queryTrace({ url, query, stepSeconds, lengthSeconds: last, until }, signal);
  return { name: query, ...(await asUsage(asked)) };
}

async function readTraceFile(file: string | undefined): Promise<Trace> {
  if (file === undefined) throw new UsageError('name the load: genops simulate --trace week.csv');
  const csv = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError(`cannot read ${file}: ${error.message}`, { cause: error });
  });
  return asUsage(
    Promise.try(() => readTrace(csv)),
    `${file}: `,
  );
}

/** What is wrong with a trace is for whoever asked for it. */
async function asUsage<T>(reading: Promise<T>, where = ''): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${where}${error.message}`, { cause: error });
  }
}
