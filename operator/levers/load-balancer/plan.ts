import { weightLabel } from '../../api/annotations.ts';
import { problemMessage } from '../../api/problem.ts';
import { loadBalancerSettingsFile } from '../../api/load-balancer-settings.ts';
import type { LeverChange, LeverPlan, PlanInput, PlannedCondition } from '../lever.ts';
import { settingsCause, settingsDifferences } from '../settings-file.ts';
import type { ConfigMapSeen } from '../owned-config-map.ts';
import { planGateway, planNoGateway, type GatewayChange, type GatewayPlan, type GatewaySeen } from './plan-gateway.ts';
import { missingCertificate } from './missing-certificate.ts';
import { listed, reportsOf, words, type AgentSaid, type Reports } from './reports.ts';
import { butServices, unusableService } from './services.ts';
import { settingsOf } from './settings.ts';
import { hasGateway, isFormer, type FormerUnit, type LoadBalancerUnit } from './unit.ts';

export interface LoadBalancerObserved {
  /** Undefined: there is none of that name. */
  readonly configMap: ConfigMapSeen | undefined;
  /** What the agent of each Pod of the selector says, sorted by name; undefined where nobody may ask them. */
  readonly agents: readonly AgentSaid[] | undefined;
  /** What there is of nginx that genops runs itself. */
  readonly gateway: GatewaySeen;
  /** It runs and cannot be looked at: the API server's words to an operator that has no image, and so none of the rights that come with one. */
  readonly denied?: string;
}

export type LoadBalancerChange = SettingsChange | GatewayChange;

interface SettingsChange extends LeverChange {
  readonly kind: 'settings';
  readonly name: string;
  readonly text: string;
  /** What is written over. */
  readonly found: ConfigMapSeen | undefined;
}

/** Nobody tells of a ConfigMap that was edited, nor of an nginx that was started anew. */
const againMs = 30_000;
/** An agent takes over what is written within seconds. */
const soonMs = 3_000;
/** What lasts until a person, or an object that nobody tells of, ends it: a visit looks at every lever of the service. */
const lastingMs = 10_000;
/** What ends by itself, or by what has just been declared. */
const passing: ReadonlySet<PlannedCondition['reason']> = new Set(['Pending', 'PodsBehind', 'ConfigRejected']);

type Input<Unit> = PlanInput<Unit, LoadBalancerObserved>;
type Plan = LeverPlan<LoadBalancerChange>;

export const plan = ({ unit, ...input }: Input<LoadBalancerUnit | FormerUnit>): Plan =>
  isFormer(unit) ? planFormer({ unit, ...input }) : planNginx({ unit, ...input });

/** Nothing stands in front of the service any more: what the operator ran there goes, and is remembered until all of it has. */
function planFormer({ unit: { owner }, observed, memory }: Input<FormerUnit>): Plan {
  const changes = planNoGateway(observed.gateway, owner);
  const message = 'The service declares no nginx.';
  const condition: PlannedCondition = { status: 'True', reason: 'Off', message };
  const former = { changes, condition, status: {}, againMs: soonMs };
  if (changes.length > 0) return former;
  const { gateway: _, ...applied } = memory?.applied ?? {};
  return { ...former, remember: { applied } };
}

/** The settings of the nginx in front of a service: written, kept as declared, never anybody else's; and in force only once every Pod says so. */
function planNginx(input: Input<LoadBalancerUnit>): Plan {
  const {
    unit,
    observed: { configMap, agents },
    memory,
  } = input;
  const nothing = { changes: [], status: {}, againMs };
  if (configMap !== undefined && configMap.controller !== unit.owner.uid)
    return { ...nothing, condition: conflict(unit) };
  const written = settingsOf(unit);
  if (written === undefined) return { ...nothing, condition: withoutService(unit) };
  const { hash } = written.settings;
  const reports = agents && reportsOf(agents, hash);
  const differing = settingsDifferences(configMap?.data[loadBalancerSettingsFile], written, {
    file: loadBalancerSettingsFile,
    section: 'loadBalancer',
  });
  const isThere = reports !== undefined && reports.total > 0 && reports.current.length === reports.total;
  const gateway = gatewayPlan(input, isThere);
  const remember = { applied: { hash, ...(gateway.hash === undefined ? {} : { gateway: gateway.hash }) } };
  const settings: readonly SettingsChange[] = [
    {
      kind: 'settings',
      cause: settingsCause(memory, hash),
      differences: differing,
      name: unit.configMapName,
      text: written.text,
      found: configMap,
    },
  ];
  const changes = [...(differing.length === 0 ? [] : settings), ...gateway.changes];
  const isForgotten = changes.length === 0 && gateway.hash === undefined && hasGateway(memory);
  const condition = gateway.problem ?? conditionOf(unit, hash, reports);
  return {
    changes: changes.map((change) => ({ ...change, remember })),
    condition,
    status: statusOf(hash, agents, reports),
    againMs: changes.length > 0 ? soonMs : lookAgainMs(condition),
    ...(isForgotten ? { remember } : {}),
  };
}

function lookAgainMs({ status, reason }: PlannedCondition): number {
  if (status === 'True') return againMs;
  return passing.has(reason) ? soonMs : lastingMs;
}

/** Where the user's own nginx takes its place the gateway stays until that serves. */
function gatewayPlan(
  { unit: { gateway, image, owner }, observed: { gateway: seen, denied }, memory }: Input<LoadBalancerUnit>,
  isThere: boolean,
): GatewayPlan {
  if (gateway !== undefined) return planGateway({ gateway, image, seen, denied, memory });
  const changes = planNoGateway(seen, owner);
  const kept = memory?.applied?.['gateway'];
  if (changes.length === 0 || kept === undefined) return { changes };
  return { changes: isThere ? changes : [], hash: kept }; // remembered until all of it is gone
}

function conflict({ namespace, configMapName, name }: LoadBalancerUnit): PlannedCondition {
  const message = problemMessage({
    saw: `ConfigMap ${namespace}/${configMapName} that somebody else made`,
    wanted: `that name for the settings of ${name}`,
    next: 'set loadBalancer.nginx.configMapName to another name, or delete that ConfigMap',
  });
  return { status: 'False', reason: 'Conflict', message };
}

/** Where no routes are declared the first component answers everything; a rule of the API sees to the others. */
function withoutService({ components: [first] }: LoadBalancerUnit): PlannedCondition {
  const message = problemMessage({
    saw: `component ${first?.name ?? ''} without a serviceRef`,
    wanted: 'the Service of its Pods, to which nginx sends requests',
    next: 'set components[].serviceRef.name',
  });
  return { status: 'False', reason: 'ConfigRejected', message };
}

/** `status.loadBalancer` */
function statusOf(
  hash: string,
  agents: readonly AgentSaid[] | undefined,
  reports: Reports | undefined,
): Readonly<Record<string, unknown>> {
  if (agents === undefined || reports === undefined) return { desiredHash: hash };
  const said = agents.flatMap((one) => (one.kind === 'said' ? [one.report] : []));
  const loaded = new Set(said.map((report) => report.loaded?.hash));
  const [version] = new Set(said.map(({ serverVersion }) => serverVersion));
  const [one] = loaded;
  const method = reports.current[0]?.loaded?.method;
  return {
    desiredHash: hash,
    ...(loaded.size === 1 && one !== undefined && said.length === agents.length ? { loadedHash: one } : {}),
    podsCurrent: reports.current.length,
    podsTotal: reports.total,
    ...(version === undefined ? {} : { serverVersion: version }),
    ...(method === undefined ? {} : { method }),
    ...weightRange(reports.current),
  };
}

/** Of all Pods and all nginx; nothing where no Pod has one. */
function weightRange(current: Reports['current']): Readonly<Record<string, number>> {
  const all = current.flatMap(({ loaded }) => Object.values(loaded?.weights ?? {}).flatMap(({ pods }) => pods));
  if (all.length === 0) return {};
  const weights = all.map(({ weight }) => weight);
  return { weightMin: Math.min(...weights), weightMax: Math.max(...weights) };
}

function conditionOf(unit: LoadBalancerUnit, hash: string, reports: Reports | undefined): PlannedCondition {
  const { namespace, configMapName, nginx } = unit;
  const where = `ConfigMap ${namespace}/${configMapName}`;
  if (reports === undefined)
    return { status: 'Unknown', reason: 'Pending', message: `What nginx serves was not asked yet: ${where}.` };
  const { total, current, rejected, isSilent, behind } = reports;
  if (total === 0) return noPods(unit);
  if (rejected.length > 0)
    return {
      status: 'False',
      reason: isSilent ? 'PodsBehind' : 'ConfigRejected',
      message: problemMessage({
        saw: listed(rejected),
        wanted: `nginx to take the settings ${hash} of ${where}; it goes on with what it took last, and is not ready where that is nothing`,
        next: isSilent
          ? 'wait: it is tried again; where it stays so, see what stops or hangs nginx, or delete the Pod: another one starts anew'
          : 'correct what nginx names; where it names nothing wrong, wait: it is tried again',
      }),
    };
  const missing = missingCertificate(unit, hash, reports.said);
  if (missing !== undefined) return missing;
  if (behind.length > 0)
    return {
      status: 'False',
      reason: 'PodsBehind',
      message: problemMessage({
        saw: `${current.length} of ${total} Pods with the settings ${hash} of ${where}: ${listed(behind)}`,
        wanted: 'all of them',
        next: 'wait some seconds; where it stays so, kubectl describe the Pod, or look at the log of its agent (docs/levers/nginx.md)',
      }),
    };
  const unusable = unusableService(unit, current);
  if (unusable !== undefined) return unusable;
  const all = total === 1 ? 'The Pod serves' : `All ${total} Pods serve`;
  return {
    status: 'True',
    reason: 'Applied',
    message: `${all} the settings ${hash} of ${where}${but(nginx)}${butServices(unit, current)}${butWeights(current)}.`,
  };
}

/** What might have been asked for. */
const but = ({ tlsSecretRef }: LoadBalancerUnit['nginx']): string =>
  tlsSecretRef === undefined ? ', HTTP only: nginx.tlsSecretRef names no certificate' : '';

/** Of weights by label, in the words of the first that cannot have them. */
function butWeights(current: Reports['current']): string {
  const upstreams = current.flatMap(({ loaded }) => Object.values(loaded?.weights ?? {}));
  const problem = upstreams.find((upstream) => upstream.problem !== undefined)?.problem;
  if (problem !== undefined)
    return `, but its agent cannot read the labels of Pods (${words(problem)}): give it list and watch of pods (docs/levers/nginx.md)`;
  const pods = upstreams.flatMap((upstream) => upstream.pods.filter(({ why }) => why === 'NotAWeight'));
  const names = [...new Set(pods.map(({ pod, server }) => pod ?? server))].toSorted();
  return names.length === 0
    ? ''
    : `, but the label ${weightLabel} of ${listed(names)} is no weight from 1 to 100: it counts as 1`;
}

function noPods({ gateway, podLabels }: LoadBalancerUnit): PlannedCondition {
  if (gateway !== undefined) {
    const saw = `no running Pod of Deployment ${gateway.namespace}/${gateway.name}`;
    const next = 'wait some seconds; where it stays so, kubectl describe that Deployment';
    const message = problemMessage({ saw, wanted: `${gateway.replicas}`, next });
    return { status: 'False', reason: 'PodsBehind', message };
  }
  const selector = Object.entries(podLabels).map(([name, value]) => `${name}=${value}`);
  const message = problemMessage({
    saw: `no running Pod with ${selector.join(',')}`,
    wanted: 'at least one that runs genops nginx-agent',
    next: 'start them, or correct loadBalancer.nginx.podSelector (docs/levers/nginx.md has a Deployment)',
  });
  return { status: 'False', reason: 'PodsBehind', message };
}
