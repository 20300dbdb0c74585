import type { GenerationService } from '../api/generation-service.ts';
import { isProblem, problemMessage } from '../api/problem.ts';
import type { Kube } from '../kube/client.ts';
import type { KubeObject } from '../kube/object.ts';
import { postgresAddress } from '../levers/postgresql/address.ts';
import { redisAddress } from '../levers/redis/address.ts';
import { unitKey, type LeverMemory, type UnitPlan } from '../levers/run.ts';
import { withBounds } from '../reconcilers/budget-bounds.ts';
import { createEffectivePolicies } from '../reconcilers/effective-policies.ts';
import { readSecret, type SecretDenied } from '../reconcilers/lever-deps.ts';
import { serviceLevers } from '../reconcilers/operator.ts';
import { createStates } from '../reconcilers/state.ts';
import { planService, policyOf, resolveService } from '../reconcilers/visit.ts';
import {
  bundleHead,
  plainObservations,
  readOf,
  redacted,
  replayed,
  type Bundle,
  type SecretContents,
} from './bundle.ts';
import { connectFor, serviceOf } from './cluster.ts';
import { clusterHelp, clusterOptions, command, exit, oneOf } from './command.ts';
import type { SeenDecisions } from './explanation.ts';
import { deniedIn, isOperatorsPod, planJson } from './diff.ts';
import { openDiffView } from './diff-view.ts';
import { decisionsOf, eventsOf } from './explain.ts';
import { withoutGuess } from './installed-way.ts';
import { operatorHelp, operatorOptions, operatorService } from './operator-views.ts';
import { structured } from './output.ts';
import { versionNumber } from './version.ts';

const usage = 'genops report generation -n ai > bundle.yaml';

export const report = command({
  summary: 'write down all that a service’s plans are made from, without what is in Secrets, for genops replay',
  usage: 'NAME [-n NAMESPACE] [--service-account NAME]',
  examples: [
    `${usage}   # exit code 2: something could not be looked at from here`,
    'genops report generation -n ai --service-account viewer > bundle.yaml   # with the decisions of the scaler, and what each was made from',
    'genops report generation -n ai -o json > bundle.json',
  ],
  options: { ...clusterOptions, ...operatorOptions, output: { type: 'string', short: 'o', default: 'yaml' } },
  help: { ...clusterHelp, ...operatorHelp, output: 'yaml or json' },
  choices: { output: ['yaml', 'json'] },
  async run({ values, positionals, env, out, err, signal }) {
    const output = oneOf('output', values.output, ['yaml', 'json']);
    const { kube: client, key, namespace } = await connectFor(positionals, values, usage);
    await using kube = client;
    const service = await serviceOf(kube, key, signal);
    const { 'service-account': name, audience } = values;
    const account = name === undefined ? undefined : { namespace, name, audience };
    const told = await decisionsOf(service, { kube, operator: operatorService(values.operator), account }, signal);
    const bundle = { ...(await bundleOf(kube, service, deniedIn(env), signal)), decisions: viewIn(told) };
    if (bundle.observations.length === 0)
      err.write(`${key}: saw nothing to plan; the conditions in the bundle say why\n`);
    const plans = replayed(bundle);
    const written = { ...bundle, plans: plans.map(planJson) };
    out.write(structured(output, written));
    const unheard = account !== undefined && told.kind === 'silent' ? `${key}: decisions: ${told.why}\n` : '';
    const unseen = `${unseenText(service, plans, isOperatorsPod(env))}${unheard}`;
    err.write(unseen);
    return bundle.observations.length === 0 || unseen !== '' ? exit.cannotTell : exit.yes;
  },
});

/** There is nothing of a Secret in what the operator says of floors. */
function viewIn(told: SeenDecisions) {
  if (told.kind === 'silent') return null;
  const { decisions, newestDecisions } = told.view;
  return { decisions, newestDecisions };
}

/** A line for each server or autoscaler of which the bundle has a failure and no figures; empty: all were seen. */
export function unseenText(
  { metadata: { namespace, name } }: KubeObject,
  plans: readonly UnitPlan[],
  inOperatorsPod: boolean,
): string {
  const again = `kubectl exec -n genops-system deploy/genops -- node /app/genops.mjs report ${name} -n ${namespace} > bundle.yaml`;
  return plans
    .flatMap((plan) => {
      if (plan.problem === undefined) return [];
      const { reason, saw, wanted, next } = plan.problem;
      const here = next === undefined ? {} : { next };
      const isElsewhere = reason === 'Unreachable' && !inOperatorsPod; // what cannot be reached from here may be from there
      return [
        `${namespace}/${name}: ${unitKey(plan)}: ${problemMessage({ saw, wanted, ...(isElsewhere ? { next: again } : here) })}\n`,
      ];
    })
    .join('');
}

async function bundleOf(
  kube: Kube,
  service: GenerationService & KubeObject,
  denied: SecretDenied | undefined,
  signal: AbortSignal,
): Promise<Bundle> {
  await using view = await openDiffView(kube, service.metadata.namespace, signal);
  const { caches, claims, podsMetrics } = view;
  const deps = { caches, kube, policies: createEffectivePolicies(), podsMetrics: () => podsMetrics };
  const resolution = await resolveService(service, deps, signal);
  const states = createStates(kube, caches.states);
  const levers = serviceLevers(kube, caches, undefined, denied);
  const seen =
    resolution.kind === 'problem'
      ? undefined
      : await planService(
          service,
          withBounds(resolution.resolved, undefined, { hasQuota: true }),
          {
            caches: claims,
            levers: withoutGuess(levers, resolution.resolved.components, view.podsMetricsUnseen),
            states,
            clock: Date,
          },
          signal,
        );
  const memory = (seen?.state ?? states.of(service)).levers;
  const secrets = [...(await secretsOf(kube, service, signal)), ...hostsOf(memory)];
  const { status, ...declared } = service;
  const clean = <T>(value: T): T => redacted(value, secrets) as T;
  return {
    ...bundleHead(versionNumber, Date.now()),
    service: { ...declared, metadata: withoutHistory(service.metadata) },
    policy: withoutHistoryOf(policyOf(service, caches)),
    status: clean(status ?? null),
    conditions: clean(resolution.conditions),
    events: clean((await eventsOf(kube, service, signal)) ?? null),
    memory: clean(memory),
    observations: plainObservations(seen?.observations ?? []).map((one) => ({ ...one, seen: clean(one.seen) })),
  };
}

/** What may not be in the bundle: what is read of the Secrets, and what their addresses are made of. */
async function secretsOf(
  kube: Kube,
  { metadata: { namespace }, spec: { redis = [], postgres = [] } }: GenerationService,
  signal: AbortSignal,
): Promise<readonly SecretContents[]> {
  const servers = [
    ...redis.map(({ secretRef }) => ({ ...secretRef, server: 'redis', parts: redisParts }) as const),
    ...postgres.map(({ secretRef }) => ({ ...secretRef, server: 'postgres', parts: postgresParts }) as const),
  ];
  const each = await Promise.all(
    servers.map(async ({ name, server, parts }): Promise<readonly SecretContents[]> => {
      try {
        const data = await readSecret(kube, namespace, name, signal);
        return data === undefined ? [] : [readOf(data, server), parts(data, { namespace, name })];
      } catch (error) {
        if (isProblem(error)) return []; // nothing was read of it for the plans either
        throw error;
      }
    }),
  );
  return each.flat();
}

function redisParts(...secret: Parameters<typeof redisAddress>): SecretContents {
  const { host, username = '', password = '' } = redisAddress(...secret);
  return { host, username, password };
}

function postgresParts(...secret: Parameters<typeof postgresAddress>): SecretContents {
  const { host, user, password = '', database } = postgresAddress(...secret);
  return { host, user, password, database };
}

/** Hosts that the state remembers, also where their Secret may not be read. */
const hostsOf = (memory: LeverMemory): readonly SecretContents[] =>
  Object.values(memory).flatMap(({ address }) => {
    const host = address?.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
    return host === undefined ? [] : [{ host }];
  });

/** Who wrote which field when, and what kubectl keeps in an annotation, says nothing new. */
const withoutHistory = ({ managedFields: _, annotations = {}, ...metadata }: KubeObject['metadata']) => ({
  ...metadata,
  annotations: Object.fromEntries(
    Object.entries(annotations).filter(([name]) => name !== 'kubectl.kubernetes.io/last-applied-configuration'),
  ),
});
const withoutHistoryOf = (object: KubeObject | undefined) =>
  object === undefined ? null : { ...object, metadata: withoutHistory(object.metadata) };
