import { constant, ramp, type Profile } from '../../test/workload/load/profile.ts';
import { parseRequest } from '../../test/workload/load/requests.ts';

/** Requests per second that a Pod is meant for, as config/samples/demo.yaml says. */
export const perPodTarget = 20;

/** Requests per second of a quiet and of a busy time. These are 2 (its minReplicas) and 7 Pods. */
export const rates = { calm: 24, busy: 140 };

/** A quiet start, a rise, a busy time, a fall, and quiet until the replicas have come down. */
export const profile: Profile = [
  ...constant(rates.calm, 15),
  ...ramp(rates.calm, rates.busy, 10),
  ...constant(rates.busy, 60),
  ...ramp(rates.busy, rates.calm, 15),
  ...constant(rates.calm, 120),
];

/** Nine readers of cached items for each that starts a workflow. */
export const requests = ['9 GET /api/item/{1-500}', '1 POST /api/workflow'].map(parseRequest);

/** What config/samples/demo.yaml gives each Pod of threads, and of connections to PostgreSQL at most. */
export const perPod = { threads: 2, connections: 4 };

/** When somebody changes Redis by hand, in seconds of the load: in the busy time. */
export const handEditAtSecond = 60;

export const names = {
  workloads: 'ai',
  operator: 'genops-system',
  release: 'genops',
  service: 'generation',
  deployment: 'workflow-execution',
  selector: 'app=workflow-execution',
  redisPod: 'redis-0',
  adminSecret: 'generation-admin',
} as const;

/** Two workflows at once in a Pod: at the busy rate two Pods are at their limit and requests queue, so that scaling shows in the latency. And the secret by which it knows who asks it for something. */
export const environment: readonly string[] = [
  'WORKFLOW_SLOTS=2',
  `--from=secret/${names.adminSecret}`,
  '--prefix=ADMIN_',
];
