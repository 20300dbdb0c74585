import { setImmediate } from 'node:timers/promises';
import type { EffectivePolicy } from '../decide/effective-policy.ts';
import { autoscalerNames, autoscalerOf } from '../simulate/autoscalers/named.ts';
import { searchOracle } from '../simulate/oracle.ts';
import type { Outcome } from '../simulate/outcome.ts';
import { drawRequests, type Requests } from '../simulate/requests.ts';
import { startRun, type Run } from '../simulate/run.ts';
import { replicasAtStart, type Service } from '../simulate/service.ts';
import { startSteps } from '../simulate/steps.ts';
import { lengthSeconds, type Trace } from '../simulate/trace.ts';
import type { Autoscaler } from '../simulate/world.ts';
import type { Output } from './command.ts';

/** What can be set beside a policy's scaler. */
export const compared = [...autoscalerNames, 'oracle'] as const;
export type Compared = (typeof compared)[number];

export const methods = ['requests', 'steps'] as const;
export type Method = (typeof methods)[number];

export interface Policies {
  readonly policy: EffectivePolicy;
  /** Without Lookahead, which makes of the default HPA a safety net: what the HPA is that it is compared with. */
  readonly alone: EffectivePolicy;
}

interface SimulationInput extends Policies {
  readonly trace: Trace;
  readonly service: Service;
  readonly method: Method;
  readonly seed: number;
}

export interface Simulation extends SimulationInput {
  /** The same for all that is compared; undefined: single requests are not followed. */
  readonly requests: Requests | undefined;
}

export const simulationOf = (input: SimulationInput): Simulation => ({
  ...input,
  requests: input.method === 'requests' ? drawRequests(input.trace, input.service, input.seed) : undefined,
});

interface Watched {
  readonly err: Output;
  readonly signal: AbortSignal;
}

/** How it goes under one of those that are compared. */
export async function simulated(name: Compared, simulation: Simulation, watched: Watched): Promise<Outcome> {
  const { policy, alone, trace, service } = simulation;
  const under = (autoscaler: Autoscaler): Promise<Outcome> => run(autoscaler, simulation, watched);
  if (name !== 'oracle') return under(autoscalerOf(name, { policy: name === 'hpa' ? alone : policy, service }));
  const search = searchOracle(trace, service);
  let tried = search.next();
  while (tried.done !== true) tried = search.next(await under(tried.value));
  return tried.value;
}

/** Parts after which the command tells how far it is, and whether it is still wanted. */
const parts = 50;

async function run(autoscaler: Autoscaler, simulation: Simulation, { err, signal }: Watched): Promise<Outcome> {
  const length = lengthSeconds(simulation.trace);
  const started = begin(autoscaler, simulation);
  for (let part = 1; !started.advance((part * length) / parts); part++) {
    if (err.isTTY === true) err.write(`\r\x1b[K${autoscaler.name}: ${Math.min(100, (100 * part) / parts)} %`);
    await setImmediate(undefined, { signal });
  }
  if (err.isTTY === true) err.write('\r\x1b[K');
  return started.outcome();
}

function begin(autoscaler: Autoscaler, { trace, service, seed, requests }: Simulation): Run {
  const input = { service, replicas: replicasAtStart(trace, service), autoscaler, seed };
  return requests === undefined
    ? startSteps({ ...input, trace })
    : startRun({ ...input, requests, lengthSeconds: lengthSeconds(trace) });
}
